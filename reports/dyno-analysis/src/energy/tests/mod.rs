//! Energy from readings of curves whose integral is known.

mod accuracy;
mod gaps;
mod made;
