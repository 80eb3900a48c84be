//! The commands besides `run`. Each is a short program that prints a result on stdout and ends with an
//! exit code that says what it found.

pub mod check;
