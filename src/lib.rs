//! Rushes: a self-hosted server for film and television review.
