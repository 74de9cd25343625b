//! Files of texts.
#![allow(clippy::unwrap_used)] // helpers of tests

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// A Parquet file of documents with an id and a text, which may be missing, in row groups.
pub fn parquet(path: &Path, groups: &[&[Option<&str>]]) {
    let schema = "message doc { required int64 id; optional binary text (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::default()).unwrap();
    for texts in groups {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let ids: Vec<i64> = (0..).take(texts.len()).collect();
        let write = column.typed::<Int64Type>();
        write.write_batch(&ids, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let values: Vec<ByteArray> = texts.iter().flatten().map(|&text| text.into()).collect();
        let levels: Vec<i16> = texts.iter().map(|text| text.is_some().into()).collect();
        let write = column.typed::<ByteArrayType>();
        write.write_batch(&values, Some(&levels), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
}
