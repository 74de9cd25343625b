//! What input and events from outside can't do.

mod hostile_names;
