//! From a measured swarm to a mixture, and what is done with one.

mod analyze;
mod export;
mod fit;
mod measured;
mod methods;
mod output_folder;
mod predict;
mod prices;
mod printed;
