//! From a measured swarm to a mixture, and what is done with one.

mod analyze;
mod export;
mod export_drawn;
mod export_read_back;
mod fit;
mod measured;
mod methods;
mod next;
mod objective;
mod output_folder;
mod predict;
mod prices;
mod printed;
mod repetition;
mod replicates;
mod scale;
mod target;
