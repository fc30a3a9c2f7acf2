//! Content codings (RFC 6787 §6.2.9): what has to be undone before a body is of its media type.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};

/// More codings than this on one body are nobody's intention.
const CODINGS_MAX: usize = 4;

/// Why a body cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodingError {
    /// A coding that is not supported.
    Unknown,
    /// The bytes are not of that coding.
    Malformed,
    /// What comes out is longer than allowed.
    TooLarge,
}

/// Undoes the codings of a `Content-Encoding` value, the last one first: `gzip`, `x-gzip`, `deflate`, `identity`.
/// No step may yield more than `bytes_max` bytes.
///
/// # Errors
/// See [`CodingError`].
pub fn decode(codings: &str, body: &Bytes, bytes_max: usize) -> Result<Bytes, CodingError> {
    let codings: Vec<&str> = codings.split(',').map(str::trim).filter(|coding| !coding.is_empty()).collect();
    if codings.len() > CODINGS_MAX {
        return Err(CodingError::Unknown);
    }
    let mut decoded = body.clone();
    for coding in codings.iter().rev() {
        decoded = match coding.to_ascii_lowercase().as_str() {
            "identity" => decoded,
            "gzip" | "x-gzip" => inflate(GzDecoder::new(decoded.as_ref()), bytes_max)?,
            // RFC 9110 §8.4.1.2: the zlib format; some senders leave its envelope out.
            "deflate" => match inflate(ZlibDecoder::new(decoded.as_ref()), bytes_max) {
                Err(CodingError::Malformed) => inflate(DeflateDecoder::new(decoded.as_ref()), bytes_max)?,
                other => other?,
            },
            _ => return Err(CodingError::Unknown),
        };
    }
    Ok(decoded)
}

fn inflate(from: impl Read, bytes_max: usize) -> Result<Bytes, CodingError> {
    let mut out = Vec::new();
    // One byte more than allowed tells that there is more.
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_end(&mut out).map_err(|_| CodingError::Malformed)?;
    if out.len() > bytes_max { Err(CodingError::TooLarge) } else { Ok(out.into()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn ghf_014_gzip_and_both_kinds_of_deflate_are_undone() {
        assert_eq!(decode("gzip", &gzip(b"grammar"), 100).unwrap(), "grammar");
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(b"grammar").unwrap();
        assert_eq!(decode("deflate", &zlib.finish().unwrap().into(), 100).unwrap(), "grammar");
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(b"grammar").unwrap();
        assert_eq!(decode("deflate", &raw.finish().unwrap().into(), 100).unwrap(), "grammar");
    }

    #[test]
    fn ghf_015_several_codings_are_undone_in_the_reverse_of_their_order() {
        let twice = gzip(&gzip(b"grammar"));
        assert_eq!(decode("gzip, x-gzip", &twice, 200).unwrap(), "grammar");
        let mut deflated = ZlibEncoder::new(Vec::new(), Compression::best());
        deflated.write_all(&gzip(b"grammar")).unwrap();
        assert_eq!(decode("gzip, deflate", &deflated.finish().unwrap().into(), 200).unwrap(), "grammar");
    }

    #[test]
    fn ghf_014_a_bomb_ends_at_the_limit_and_an_unknown_coding_is_told() {
        let bomb = gzip(&vec![0; 1_000_000]);
        assert!(bomb.len() < 2_000);
        assert_eq!(decode("gzip", &bomb, 10_000), Err(CodingError::TooLarge));
        assert_eq!(decode("br", &bomb, 10_000), Err(CodingError::Unknown));
        assert_eq!(decode("gzip", &Bytes::from_static(b"no gzip"), 10_000), Err(CodingError::Malformed));
    }

    #[test]
    fn cut_anywhere_it_is_malformed_and_does_not_panic() {
        let whole = gzip(b"some words that are to be cut");
        for cut in testkit::every_truncation(&whole) {
            let _ = decode("gzip", &Bytes::copy_from_slice(cut), 1_000);
        }
    }
}
