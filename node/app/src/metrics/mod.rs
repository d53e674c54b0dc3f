//! Figures for Prometheus: what a scrape gets is one picture of the node, taken then.

mod figures;
mod server;

pub(crate) use server::Server;
