//! Real clients against the server.

fn main() {}
