//! The store as its callers see it: a folder of its own, a server on this machine, a stand-in for Python.

mod bench;
mod derived;
mod http;
mod own_file;
mod packages;
mod pulls;
mod signed;
