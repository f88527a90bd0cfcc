//! Meters read from real parts on the loopback: an HTTP server, an MQTT broker, programs and files.

mod broker;
mod hostile;
mod plug;
mod read;
mod support;
