//! Session descriptions as MRCPv2 uses them (RFC 6787 §4.2–§4.4 over RFC 4566 and RFC 3264): a typed view with the
//! control lines (`m=application … TCP/MRCPv2 1`) and the audio lines that a server and its clients care about.
//!
//! [`SessionDescription::parse`] keeps every media line in order, also those it does not know, so that an
//! [answer](answer()) has as many lines as the offer. [`negotiate`] chooses a codec for an audio line. A client builds
//! an offer from [`Control::offer`] and [`Audio::offer`]; a server answers OPTIONS with [`capabilities()`].
//!
//! ```
//! use sdp::{AnswerLine, Codec, ControlAnswer, Local, Media, SessionDescription, answer, negotiate};
//!
//! let offer = SessionDescription::parse(b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
//!     m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:new\r\na=resource:speechsynth\r\na=cmid:1\r\n\
//!     m=audio 4000 RTP/AVP 0 8\r\na=recvonly\r\na=mid:1\r\n")?;
//! let lines: Vec<AnswerLine> = offer
//!     .media
//!     .iter()
//!     .map(|media| match media {
//!         Media::Control(_) => AnswerLine::Control(ControlAnswer::new(1544, "32AECB234338@speechsynth")),
//!         Media::Audio(audio) => match negotiate(audio, &[Codec::PCMU]) {
//!             Some(accepted) => AnswerLine::Audio { port: 20_000, accepted, key: None },
//!             None => AnswerLine::Refuse,
//!         },
//!         Media::Other(_) => AnswerLine::Refuse,
//!     })
//!     .collect();
//! let local = Local { address: [192, 0, 2, 9].into(), session_id: 7, version: 1 };
//! let text = answer(&offer, &lines, &local)?.to_string();
//! assert!(text.contains("m=audio 20000 RTP/AVP 0\r\n") && text.contains("a=sendonly\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod audio;
mod capabilities;
mod codec;
mod control;
mod crypto;
mod description;
#[doc(hidden)]
pub mod fuzz;
mod media;
mod parse;
mod print;

pub use answer::{AnswerError, AnswerLine, ControlAnswer, Local, answer};
pub use audio::{Audio, AudioTransport, Direction, Format, Rtcp};
pub use capabilities::capabilities;
pub use codec::{AcceptedAudio, COMFORT_NOISE, Codec, Encoding, EncodingName, TELEPHONE_EVENT, negotiate};
pub use control::{ConnectionUse, Control, ControlTransport, Setup};
pub use crypto::{AcceptedCrypto, Crypto, CryptoSuite, InlineKey, KeyMaterial};
pub use description::{Origin, SessionDescription};
pub use media::{Media, OtherMedia};
pub use parse::{Limits, ParseError};
