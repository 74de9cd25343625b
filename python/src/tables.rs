//! Tables from Python: columns of numbers are NumPy arrays, others are lists of texts.

use std::sync::Arc;

use numpy::PyReadonlyArray1;
use olmix_io::SwarmTables;
use olmix_io::tables::{Column, Table};
use pyo3::prelude::*;

use crate::errors::{argument, io};

/// Columns by name, in order.
pub type Columns<'py> = Vec<(String, Bound<'py, PyAny>)>;

/// The two tables of a swarm, checked each on its own.
#[pyclass(frozen, module = "olmix._olmix")]
pub struct Tables {
    /// Shared by the fits to them.
    pub tables: Arc<SwarmTables>,
}

#[pymethods]
impl Tables {
    /// Tables by name and columns; without columns the name is the path of a file.
    #[new]
    #[pyo3(signature = (ratios_name, ratios, metrics_name, metrics))]
    fn new(
        ratios_name: &str,
        ratios: Option<Columns<'_>>,
        metrics_name: &str,
        metrics: Option<Columns<'_>>,
    ) -> PyResult<Self> {
        Ok(Self {
            tables: Arc::new(SwarmTables {
                ratios: table(ratios_name, ratios, "ratios")?,
                metrics: table(metrics_name, metrics, "metrics")?,
            }),
        })
    }

    /// Names of the columns of the ratios.
    #[getter]
    fn domains(&self) -> Vec<String> {
        self.tables.ratios.columns().to_vec()
    }

    /// Rows of the ratios.
    #[getter]
    fn runs(&self) -> usize {
        self.tables.ratios.len()
    }
}

fn table(name: &str, columns: Option<Columns<'_>>, role: &str) -> PyResult<Table> {
    let Some(columns) = columns else {
        return Table::read(name.as_ref(), role).map_err(|error| io(&error));
    };
    let column = |(column, cells): (String, Bound<'_, PyAny>)| -> PyResult<_> {
        if let Ok(numbers) = cells.extract::<PyReadonlyArray1<'_, f64>>() {
            let numbers = numbers.as_array().iter().copied().collect();
            return Ok((column, Column::Numbers(numbers)));
        }
        let texts = cells.extract::<Vec<Option<String>>>().map_err(|_| {
            argument(
                name,
                &format!("column {column:?} holds neither numbers nor texts"),
                "give columns of numbers, and one of names",
            )
        })?;
        Ok((column, Column::Texts(texts)))
    };
    let columns = columns.into_iter().map(column).collect::<PyResult<_>>()?;
    Table::from_columns(name, columns, role).map_err(|error| io(&error))
}
