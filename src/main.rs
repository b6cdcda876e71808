//! The command line of Rushes.

fn main() {}
