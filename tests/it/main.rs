//! Behaviour over the API.

fn main() {}
