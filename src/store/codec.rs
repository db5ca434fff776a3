//! placeholder
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(pub String);
pub fn encode<T: Serialize>(version: u8, value: &T) -> Bytes {
    let mut out = vec![version];
    serde_json::to_writer(&mut out, value).expect("rows are plain data");
    out.into()
}
pub fn decode<T: DeserializeOwned>(known: u8, bytes: &[u8]) -> Result<T, CodecError> {
    match bytes.split_first() {
        Some((v, rest)) if *v <= known => {
            serde_json::from_slice(rest).map_err(|e| CodecError(e.to_string()))
        }
        _ => Err(CodecError("newer".into())),
    }
}
