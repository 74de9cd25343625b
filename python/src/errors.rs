//! Errors as exceptions of `olmix.errors`, with file, place and remedy as fields.

use olmix_core::CoreError;
use olmix_io::{IoError, LoadedFit, Location};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// An exception of the package: the class by its name, and its fields.
pub fn exception(
    class: &str,
    message: &str,
    file: Option<&str>,
    place: Option<&str>,
    help: Option<&str>,
) -> PyErr {
    Python::attach(|py| {
        let build = || -> PyResult<PyErr> {
            let class = py.import("olmix.errors")?.getattr(class)?;
            let fields = PyDict::new(py);
            fields.set_item("file", file)?;
            fields.set_item("place", place)?;
            fields.set_item("help", help)?;
            Ok(PyErr::from_value(class.call((message,), Some(&fields))?))
        };
        build().unwrap_or_else(|error| error)
    })
}

/// Something that can't happen did.
pub fn internal(message: &str) -> PyErr {
    let help = "this is a defect of olmix: please report it with what you called";
    exception("InternalError", message, None, None, Some(help))
}

/// An argument that can't be used.
pub fn argument(name: &str, message: &str, help: &str) -> PyErr {
    exception("InputError", message, None, Some(name), Some(help))
}

/// An error of reading, writing or of the method.
pub fn io(error: &IoError) -> PyErr {
    io_as(class_of_io(error), error)
}

/// An error of the method, with the file of `loaded` that it comes from.
pub fn core(loaded: &LoadedFit, error: CoreError) -> PyErr {
    let class = class_of(&error);
    io_as(class, &loaded.core_error(error))
}

/// An error of the method that comes from an argument.
pub fn core_of(name: &str, error: CoreError) -> PyErr {
    let class = class_of(&error);
    io_as(class, &IoError::core(name, error))
}

fn class_of_io(error: &IoError) -> &'static str {
    match error {
        IoError::Read { .. } | IoError::Write { .. } => "FileError",
        IoError::Core { error, .. } => class_of(error),
        _ => "InputError",
    }
}

fn class_of(error: &CoreError) -> &'static str {
    match error {
        CoreError::Infeasible(_)
        | CoreError::GuardrailsNotKept(_)
        | CoreError::NoFeasibleRun { .. }
        | CoreError::NoFeasibleSample { .. } => "InfeasibleError",
        CoreError::TooFewRuns { .. } => "TooFewRunsError",
        CoreError::SolverFailed(_) => "SolverError",
        _ => "InputError",
    }
}

/// Configs that were made of arguments: places in them mean nothing to who gave the arguments.
pub const ARGUMENTS: &str = "arguments";

fn io_as(class: &str, error: &IoError) -> PyErr {
    let text = error.to_string();
    let (found, help) = text.split_once("\n  help: ").unwrap_or((&text, ""));
    let help = Some(help).filter(|help| !help.is_empty());
    match error {
        IoError::Input(input) => {
            let of_arguments = input.file == ARGUMENTS;
            let place = match &input.location {
                Location::Line(line) if !of_arguments => Some(format!("line {line}")),
                Location::Position { line, column } if !of_arguments => {
                    Some(format!("line {line}, column {column}"))
                }
                Location::Field(field) => Some(field.clone()),
                _ => None,
            };
            let file = Some(input.file.as_str()).filter(|_| !of_arguments);
            exception(class, &input.message, file, place.as_deref(), help)
        }
        IoError::Read { file, .. } | IoError::Write { file, .. } | IoError::Core { file, .. } => {
            let found = found.strip_prefix(&format!("{file}: ")).unwrap_or(found);
            let file = Some(file.as_str()).filter(|file| *file != ARGUMENTS);
            exception(class, found, file, None, help)
        }
        _ => exception(class, found, None, None, help),
    }
}
