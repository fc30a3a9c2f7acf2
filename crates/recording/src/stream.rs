//! One recording on its thread: from samples to a complete file.

use std::collections::VecDeque;

use bytes::Bytes;
use media::{ClockRate, EndpointEvent, Endpointer, EndpointerConfig, WaveformFormat, WaveformWriter};

use crate::recorder::RecordEvent;
use crate::spool::Spool;
use crate::storage::{FileTarget, Published, Storage, StorageError};

/// Silence that is kept on either side of speech, so that no soft sound is cut.
const MARGIN_MS: u64 = 160;

/// Bytes collected before they are written: an eighth of a second of the widest format.
const BUFFER_BYTES: usize = 4 * 1024;

/// Where a recording goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Into memory, at most so many bytes.
    Memory {
        /// Most bytes of the whole content.
        bytes_max: usize,
    },
    /// Into the storage's folder, served under this name.
    Served {
        /// A name that nobody can guess.
        name: String,
    },
    /// Into the storage's folder, for whoever sends it on.
    Spool,
    /// To a `file:` URI.
    File {
        /// The URI.
        uri: String,
    },
}

/// How speech is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Endpointing {
    /// 0.0–1.0; more hears softer speech, and more noise as speech.
    pub sensitivity: f32,
    /// Whether what is before speech is left out.
    pub on_speech: bool,
    /// Silence that ends speech, in milliseconds.
    pub hangover_ms: u32,
}

impl Endpointing {
    fn config(self) -> EndpointerConfig {
        let usual = EndpointerConfig::default();
        // The middle of the range is the endpointer's own setting.
        let softer = self.sensitivity.clamp(0.0, 1.0) - 0.5;
        EndpointerConfig {
            hangover_ms: self.hangover_ms,
            threshold: usual.threshold - 0.8 * softer,
            floor_dbfs: usual.floor_dbfs - 40.0 * softer,
            ..usual
        }
    }
}

/// What is cut from the end of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The silence after speech, where speech was found and has ended.
    Silence,
    /// So many milliseconds, which may be more than there are.
    TrimMs(u64),
}

/// A finished recording.
#[derive(Debug)]
pub struct Saved {
    /// Where it is.
    pub content: SavedContent,
    /// Its size.
    pub size_bytes: u64,
    /// The length of its audio.
    pub duration_ms: u64,
}

/// Where a finished recording is.
#[derive(Debug)]
pub enum SavedContent {
    /// Here.
    Memory(Bytes),
    /// Served as long as this is kept.
    Served(Published),
    /// In a file that goes when this is dropped.
    Spool(Spool),
    /// Where the URI says.
    File,
}

/// What is written to.
enum Content {
    Memory { octets: Vec<u8>, bytes_max: usize },
    Served { spool: Spool, name: String },
    Spool(Spool),
    File(FileTarget),
}

/// One recording under way.
pub(crate) struct Stream {
    storage: Storage,
    format: WaveformFormat,
    media_type: String,
    source_rate: ClockRate,
    writer: WaveformWriter,
    content: Content,
    buffer: Vec<u8>,
    endpointer: Option<Endpointer>,
    capture: Capture,
    /// Samples heard since the beginning.
    heard: u64,
    /// Samples that were given to the writer, of most so many.
    taken: u64,
    taken_max: u64,
    /// Octets of samples that were written or are buffered.
    octets: u64,
    /// Where speech ended last, in samples that the writer was given.
    speech_end: Option<u64>,
    is_full: bool,
}

/// Whether what is heard is captured.
enum Capture {
    /// Speech is awaited; the last moments are held, since it begins before it is noticed.
    Awaiting { held: VecDeque<i16>, held_max: usize },
    /// Since this sample.
    Since { start: u64 },
}

impl Stream {
    /// Makes the place.
    pub(crate) fn open(
        storage: Storage,
        format: WaveformFormat,
        media_type: String,
        source_rate: ClockRate,
        target: Target,
        endpointing: Option<Endpointing>,
        max_ms: u64,
    ) -> Result<Self, StorageError> {
        let writer =
            WaveformWriter::new(format, source_rate).map_err(|error| StorageError::Io(std::io::Error::other(error)))?;
        let header = format.header(0);
        let mut content = match target {
            Target::Memory { bytes_max } => Content::Memory { octets: Vec::new(), bytes_max },
            Target::Served { name } => Content::Served { spool: storage.spool()?, name },
            Target::Spool => Content::Spool(storage.spool()?),
            Target::File { uri } => Content::File(storage.file_target(&uri)?),
        };
        content.write(&header)?;
        let per_ms = u64::from(source_rate.samples_per_ms());
        let capture = match endpointing {
            Some(Endpointing { on_speech: true, .. }) => {
                let onset_ms = u64::from(EndpointerConfig::default().onset_ms);
                // Found up to an onset and two frames late, in pieces of a fifth of a second.
                let held_max = usize::try_from((onset_ms + MARGIN_MS + 300) * per_ms).unwrap_or(0);
                Capture::Awaiting { held: VecDeque::new(), held_max }
            }
            Some(Endpointing { on_speech: false, .. }) | None => Capture::Since { start: 0 },
        };
        Ok(Self {
            storage,
            format,
            media_type,
            source_rate,
            writer,
            content,
            buffer: Vec::new(),
            endpointer: endpointing.map(|endpointing| Endpointer::new(endpointing.config(), source_rate)),
            capture,
            heard: 0,
            taken: 0,
            taken_max: max_ms.saturating_mul(per_ms),
            octets: 0,
            speech_end: None,
            is_full: false,
        })
    }

    /// Takes the next samples, at most a fifth of a second; tells what they meant.
    pub(crate) fn push(&mut self, samples: &[i16], events: &mut Vec<RecordEvent>) -> Result<(), StorageError> {
        let begun_at = self.heard;
        self.heard += samples.len() as u64;
        match &mut self.capture {
            Capture::Since { .. } => self.take(samples)?,
            Capture::Awaiting { held, held_max } => {
                held.extend(samples);
                let excess = held.len().saturating_sub(*held_max);
                held.drain(..excess);
            }
        }
        if let Some(endpointer) = &mut self.endpointer {
            endpointer.push(samples);
            let found: Vec<EndpointEvent> = std::iter::from_fn(|| endpointer.poll_event()).collect();
            for event in found {
                self.endpoint(event, events)?;
            }
        }
        if self.is_full_now() && !self.is_full {
            self.is_full = true;
            events.push(RecordEvent::Full);
        }
        debug_assert!(self.heard >= begun_at);
        Ok(())
    }

    fn endpoint(&mut self, event: EndpointEvent, events: &mut Vec<RecordEvent>) -> Result<(), StorageError> {
        let per_ms = u64::from(self.source_rate.samples_per_ms());
        match event {
            EndpointEvent::SpeechStarted { at_ms } => {
                self.speech_end = None;
                let from = at_ms.saturating_sub(MARGIN_MS) * per_ms;
                if let Capture::Awaiting { held, .. } = &mut self.capture {
                    let held = std::mem::take(held);
                    let first = self.heard - held.len() as u64;
                    let skipped = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
                    let speech: Vec<i16> = held.into_iter().skip(skipped).collect();
                    self.capture = Capture::Since { start: self.heard - speech.len() as u64 };
                    self.take(&speech)?;
                }
                events.push(RecordEvent::SpeechStarted);
            }
            EndpointEvent::SpeechEnded { at_ms } => {
                if let Capture::Since { start } = self.capture {
                    self.speech_end = Some((at_ms * per_ms).saturating_sub(start));
                }
                let silence = self.heard.saturating_sub(at_ms * per_ms) / per_ms;
                events.push(RecordEvent::SpeechEnded { silence_ms: silence });
            }
        }
        Ok(())
    }

    /// Gives samples to the writer, as many as there may be.
    fn take(&mut self, samples: &[i16]) -> Result<(), StorageError> {
        let left = usize::try_from(self.taken_max.saturating_sub(self.taken)).unwrap_or(usize::MAX);
        let samples = samples.get(..left.min(samples.len())).unwrap_or_default();
        self.taken += samples.len() as u64;
        let before = self.buffer.len();
        self.writer.push(samples, &mut self.buffer);
        self.octets += (self.buffer.len() - before) as u64;
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        self.content.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Whether memory holds no more.
    fn is_full_now(&self) -> bool {
        match &self.content {
            Content::Memory { bytes_max, .. } => self.samples_max(*bytes_max) <= self.octets,
            Content::Served { .. } | Content::Spool(_) | Content::File(_) => false,
        }
    }

    /// Octets of samples that fit into so many bytes of content, with what is before and behind them.
    fn samples_max(&self, bytes_max: usize) -> u64 {
        let room = bytes_max.saturating_sub(self.format.header_octets() + 1);
        (room - room % self.format.octets_per_sample()) as u64
    }

    /// Cuts, completes and keeps the recording.
    pub(crate) fn finish(mut self, cut: Cut) -> Result<Saved, StorageError> {
        let before = self.buffer.len();
        self.writer.finish(&mut self.buffer);
        self.octets += (self.buffer.len() - before) as u64;
        self.flush()?;
        let per_sample = self.format.octets_per_sample() as u64;
        let per_ms = u64::from(self.format.clock_rate().samples_per_ms());
        let mut samples = self.octets / per_sample;
        match (cut, self.speech_end) {
            (Cut::Silence, Some(end)) => {
                let end_ms = end / u64::from(self.source_rate.samples_per_ms());
                samples = samples.min((end_ms + MARGIN_MS) * per_ms);
            }
            (Cut::Silence, None) => {}
            (Cut::TrimMs(ms), _) => samples = samples.saturating_sub(ms.saturating_mul(per_ms)),
        }
        if let Content::Memory { bytes_max, .. } = &self.content {
            samples = samples.min(self.samples_max(*bytes_max) / per_sample);
        }
        let header = self.format.header(samples);
        let length = header.len() as u64 + samples * per_sample;
        let trailer = self.format.trailer(samples);
        let (content, size_bytes) = match self.content {
            Content::Memory { mut octets, .. } => {
                octets.truncate(usize::try_from(length).unwrap_or(usize::MAX));
                octets.extend_from_slice(trailer);
                for (place, octet) in octets.iter_mut().zip(&header) {
                    *place = *octet;
                }
                let size = octets.len() as u64;
                (SavedContent::Memory(octets.into()), size)
            }
            Content::Served { mut spool, name } => {
                let size = spool.complete(&header, length, trailer)?;
                (SavedContent::Served(self.storage.publish(spool, name, self.media_type, size)), size)
            }
            Content::Spool(mut spool) => {
                let size = spool.complete(&header, length, trailer)?;
                (SavedContent::Spool(spool), size)
            }
            Content::File(FileTarget { mut spool, name }) => {
                let size = spool.complete(&header, length, trailer)?;
                spool.keep_as(&name)?;
                (SavedContent::File, size)
            }
        };
        Ok(Saved { content, size_bytes, duration_ms: samples / per_ms })
    }
}

impl Content {
    fn write(&mut self, octets: &[u8]) -> Result<(), StorageError> {
        match self {
            // What is more than allowed is cut off at the end; a little more is held meanwhile.
            Self::Memory { octets: held, bytes_max } => {
                let room = (*bytes_max + 1).saturating_sub(held.len());
                held.extend_from_slice(octets.get(..room.min(octets.len())).unwrap_or_default());
                Ok(())
            }
            Self::Served { spool, .. } | Self::Spool(spool) | Self::File(FileTarget { spool, .. }) => {
                spool.write(octets)
            }
        }
    }
}
