//! The extension module `olmix._olmix`: what the package `olmix` (python/olmix) computes with. Its interface is the
//! package's alone and may change with any version.
//!
//! | file | content |
//! | --- | --- |
//! | `tables.rs`, `arrow.rs` | tables from Python |
//! | `fit.rs`, `laws.rs` | fits, mixtures, predictions |
//! | `run.rs` | long work: without the interpreter's lock, with progress and Ctrl-C |
//! | `errors.rs` | errors as exceptions |

mod arrow;
mod errors;
mod fit;
mod laws;
mod run;
mod tables;

use pyo3::prelude::*;

#[pymodule]
fn _olmix(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<tables::Tables>()?;
    module.add_class::<fit::Fit>()?;
    module.add_class::<laws::Laws>()?;
    module.add_function(wrap_pyfunction!(arrow::arrow_columns, module)?)?;
    module.add_function(wrap_pyfunction!(arrow::arrow_stream, module)?)?;
    Ok(())
}
