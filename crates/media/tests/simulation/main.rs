//! Legs against each other and against scripted streams, on a virtual clock.

mod dialling;
mod laws;
mod listening;
mod network;
mod speaking;
mod transport;
