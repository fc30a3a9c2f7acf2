//! Stored audio: what media types we write and read, and how (RFC 2046, RFC 3551, RFC 4856; RIFF WAVE).

use crate::codec::{ClockRate, Codec, Decoder, Encoder};
use crate::resample::{self, Resampler, UnsupportedRates};

/// The format tags of RIFF WAVE that we know.
const WAVE_PCM: u16 = 1;
const WAVE_ALAW: u16 = 6;
const WAVE_MULAW: u16 = 7;
const WAVE_EXTENSIBLE: u16 = 0xfffe;

/// Most channels of a file that is read; they are mixed.
const CHANNELS_MAX: u16 = 8;

/// How stored audio is laid out: one channel, 8 or 16 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaveformFormat {
    container: Container,
    coding: Coding,
    clock_rate: ClockRate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    /// The samples alone.
    Raw,
    /// RIFF WAVE.
    Wav,
}

/// How a sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Mulaw,
    Alaw,
    Linear,
}

impl Coding {
    fn octets(self) -> usize {
        match self {
            Self::Mulaw | Self::Alaw => 1,
            Self::Linear => 2,
        }
    }

    /// The codec whose payload is the same.
    fn codec(self) -> Codec {
        match self {
            Self::Mulaw => Codec::Pcmu,
            Self::Alaw => Codec::Pcma,
            Self::Linear => Codec::L16,
        }
    }
}

impl WaveformFormat {
    /// The format that a media type means, for audio that comes at `source_rate`. `None` when it is not one of these:
    ///
    /// | Media type | Content |
    /// |---|---|
    /// | `audio/basic`, `audio/pcmu` | µ-law, 8 kHz, no header |
    /// | `audio/x-alaw-basic`, `audio/pcma` | A-law, 8 kHz, no header |
    /// | `audio/l16` | 16 bits, network byte order, no header |
    /// | `audio/wav`, `audio/x-wav`, `audio/wave`, `audio/vnd.wave` | RIFF WAVE, 16 bits unless `codec` says otherwise |
    ///
    /// Parameters: `codec` (or `codecs`) is `1`, `pcm`, `l16`; `6`, `alaw`, `pcma`; `7`, `ulaw`, `mulaw`, `pcmu`. `rate` is 8000
    /// or 16000; without it, the source's rate where the type does not fix one. `channels` is 1.
    pub fn from_media_type(media_type: &str, source_rate: ClockRate) -> Option<Self> {
        let mut parts = media_type.split(';');
        let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let (mut coding, mut rate) = (None, None);
        for part in parts {
            let Some((key, value)) = part.split_once('=') else { continue };
            let value = value.trim().trim_matches('"').to_ascii_lowercase();
            match key.trim().to_ascii_lowercase().as_str() {
                "codec" | "codecs" => coding = Some(wave_coding(&value)?),
                "rate" => rate = Some(ClockRate::from_hz(value.parse().ok()?)?),
                "channels" if value != "1" => return None,
                _ => {}
            }
        }
        let (container, own_coding, own_rate) = match name.as_str() {
            "audio/basic" => (Container::Raw, Coding::Mulaw, ClockRate::Hz8000),
            "audio/x-alaw-basic" => (Container::Raw, Coding::Alaw, ClockRate::Hz8000),
            "audio/pcmu" => (Container::Raw, Coding::Mulaw, rate.unwrap_or(ClockRate::Hz8000)),
            "audio/pcma" => (Container::Raw, Coding::Alaw, rate.unwrap_or(ClockRate::Hz8000)),
            "audio/l16" => (Container::Raw, Coding::Linear, rate.unwrap_or(source_rate)),
            "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => {
                (Container::Wav, coding.unwrap_or(Coding::Linear), rate.unwrap_or(source_rate))
            }
            _ => return None,
        };
        // What the name says and what the parameters say must be the same.
        let agrees = coding.is_none_or(|coding| coding == own_coding) && rate.is_none_or(|rate| rate == own_rate);
        agrees.then_some(Self { container, coding: own_coding, clock_rate: own_rate })
    }

    /// Samples per second.
    pub fn clock_rate(self) -> ClockRate {
        self.clock_rate
    }

    /// The usual extension of a file of this format, without the dot.
    pub fn extension(self) -> &'static str {
        match (self.container, self.coding) {
            (Container::Wav, _) => "wav",
            (Container::Raw, Coding::Mulaw) => "ulaw",
            (Container::Raw, Coding::Alaw) => "alaw",
            (Container::Raw, Coding::Linear) => "l16",
        }
    }

    /// Octets of one sample.
    pub fn octets_per_sample(self) -> usize {
        self.coding.octets()
    }

    /// Octets before the samples.
    pub fn header_octets(self) -> usize {
        self.header(0).len()
    }

    /// What stands before `samples` samples.
    pub fn header(self, samples: u64) -> Vec<u8> {
        if self.container == Container::Raw {
            return Vec::new();
        }
        let octets = u16::try_from(self.coding.octets()).unwrap_or(2);
        let data = u32::try_from(samples.saturating_mul(u64::from(octets))).unwrap_or(u32::MAX);
        let rate = self.clock_rate.hz();
        let tag = match self.coding {
            Coding::Linear => WAVE_PCM,
            Coding::Alaw => WAVE_ALAW,
            Coding::Mulaw => WAVE_MULAW,
        };
        let mut format = Vec::with_capacity(18);
        format.extend(tag.to_le_bytes());
        format.extend(1_u16.to_le_bytes());
        format.extend(rate.to_le_bytes());
        format.extend((rate * u32::from(octets)).to_le_bytes());
        format.extend(octets.to_le_bytes());
        format.extend((octets * 8).to_le_bytes());
        let mut chunks = Vec::with_capacity(50);
        if tag != WAVE_PCM {
            // Formats other than PCM have an extension, which is empty, and a count of samples.
            format.extend(0_u16.to_le_bytes());
        }
        chunk(&mut chunks, *b"fmt ", &format);
        if tag != WAVE_PCM {
            chunk(&mut chunks, *b"fact", &u32::try_from(samples).unwrap_or(u32::MAX).to_le_bytes());
        }
        let mut header = b"RIFF".to_vec();
        let rest = 4 + u32::try_from(chunks.len()).unwrap_or(0) + 8;
        header.extend(rest.saturating_add(data).saturating_add(data % 2).to_le_bytes());
        header.extend(b"WAVE");
        header.extend(chunks);
        header.extend(b"data");
        header.extend(data.to_le_bytes());
        header
    }

    /// What stands behind `samples` samples: a chunk has an even length.
    pub fn trailer(self, samples: u64) -> &'static [u8] {
        let is_odd = self.container == Container::Wav && self.coding != Coding::Linear && samples % 2 == 1;
        if is_odd { &[0] } else { &[] }
    }

    /// Appends samples, at the rate of the format, as they are stored.
    pub fn encode(self, samples: &[i16], octets: &mut Vec<u8>) {
        match (self.container, self.coding) {
            // RIFF is little-endian.
            (Container::Wav, Coding::Linear) => octets.extend(samples.iter().flat_map(|sample| sample.to_le_bytes())),
            (Container::Wav | Container::Raw, coding) => {
                Encoder::new(coding.codec(), self.clock_rate).encode(samples, octets);
            }
        }
    }
}

fn chunk(octets: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    octets.extend(name);
    octets.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
    octets.extend(content);
}

fn wave_coding(name: &str) -> Option<Coding> {
    match name {
        "1" | "pcm" | "l16" => Some(Coding::Linear),
        "6" | "alaw" | "pcma" => Some(Coding::Alaw),
        "7" | "ulaw" | "mulaw" | "pcmu" => Some(Coding::Mulaw),
        _ => None,
    }
}

/// Turns a stream of samples into stored audio, piece by piece.
pub struct WaveformWriter {
    format: WaveformFormat,
    /// `None` where the rates are equal.
    resampler: Option<Resampler>,
    wide: Vec<f32>,
    narrow: Vec<i16>,
}

impl WaveformWriter {
    /// A writer of `format` for audio at `source_rate`.
    ///
    /// # Errors
    /// [`UnsupportedRates`], which 8 and 16 kHz are not.
    pub fn new(format: WaveformFormat, source_rate: ClockRate) -> Result<Self, UnsupportedRates> {
        let resampler = if format.clock_rate == source_rate {
            None
        } else {
            Some(Resampler::new(source_rate.hz(), format.clock_rate.hz())?)
        };
        Ok(Self { format, resampler, wide: Vec::new(), narrow: Vec::new() })
    }

    /// Appends what of `samples` is ready to `octets`.
    pub fn push(&mut self, samples: &[i16], octets: &mut Vec<u8>) {
        let Some(resampler) = &mut self.resampler else {
            return self.format.encode(samples, octets);
        };
        let mut input = Vec::with_capacity(samples.len());
        resample::to_f32(samples, &mut input);
        self.wide.clear();
        resampler.push(&input, &mut self.wide);
        self.narrow.clear();
        resample::to_i16(&self.wide, &mut self.narrow);
        self.format.encode(&self.narrow, octets);
    }

    /// Appends what was held back.
    pub fn finish(&mut self, octets: &mut Vec<u8>) {
        if let Some(resampler) = &mut self.resampler {
            self.wide.clear();
            resampler.finish(&mut self.wide);
            self.narrow.clear();
            resample::to_i16(&self.wide, &mut self.narrow);
            self.format.encode(&self.narrow, octets);
        }
    }
}

/// Audio read from stored content: one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waveform {
    /// The samples.
    pub samples: Vec<i16>,
    /// Samples per second.
    pub sample_rate_hz: u32,
}

/// Content that is no audio that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaveformError {
    /// Its media type is none that we read, and it does not say by itself what it is.
    MediaType,
    /// A RIFF WAVE file that is cut short or contradicts itself.
    Malformed,
    /// A RIFF WAVE file with an encoding that we do not read.
    Encoding,
}

impl std::fmt::Display for WaveformError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::MediaType => "not a media type of audio that can be read",
            Self::Malformed => "not a sound file",
            Self::Encoding => "a sound file in an encoding that cannot be read",
        })
    }
}

impl std::error::Error for WaveformError {}

impl Waveform {
    /// Reads content: RIFF WAVE (8 or 16 bits, µ-law, A-law) whatever its media type, else what its media type says. Channels
    /// are mixed into one.
    ///
    /// # Errors
    /// [`WaveformError`].
    pub fn read(content: &[u8], media_type: Option<&str>) -> Result<Self, WaveformError> {
        if content.starts_with(b"RIFF") {
            return Self::read_wav(content);
        }
        let format = media_type
            .and_then(|media_type| WaveformFormat::from_media_type(media_type, ClockRate::Hz8000))
            .ok_or(WaveformError::MediaType)?;
        match format.container {
            // It would begin otherwise.
            Container::Wav => Err(WaveformError::Malformed),
            Container::Raw => {
                let mut samples = Vec::new();
                Decoder::new(format.coding.codec(), format.clock_rate).decode(content, &mut samples);
                Ok(Self { samples, sample_rate_hz: format.clock_rate.hz() })
            }
        }
    }

    fn read_wav(content: &[u8]) -> Result<Self, WaveformError> {
        let malformed = WaveformError::Malformed;
        if content.get(8..12) != Some(b"WAVE") {
            return Err(malformed);
        }
        let mut rest = content.get(12..).ok_or(malformed)?;
        let mut format = None;
        while let Some((head, body)) = rest.split_at_checked(8) {
            let length = le_u32(head, 4).ok_or(malformed)? as usize;
            match head.get(..4) {
                Some(b"fmt ") => format = Some(WaveFormat::read(body.get(..length).ok_or(malformed)?)?),
                // Programs that write to a pipe do not know the length.
                Some(b"data") => {
                    let data = body.get(..length).unwrap_or(body);
                    return format.ok_or(malformed)?.samples(data);
                }
                _ => {}
            }
            rest = body.get(length.saturating_add(length % 2)..).ok_or(malformed)?;
        }
        Err(malformed)
    }

    /// The samples at another rate.
    ///
    /// # Errors
    /// [`UnsupportedRates`].
    pub fn at(&self, clock_rate: ClockRate) -> Result<Vec<i16>, UnsupportedRates> {
        if self.sample_rate_hz == clock_rate.hz() {
            return Ok(self.samples.clone());
        }
        resample::resample_all(&self.samples, self.sample_rate_hz, clock_rate.hz())
    }
}

/// A `fmt ` chunk.
#[derive(Debug, Clone, Copy)]
struct WaveFormat {
    encoding: WaveEncoding,
    channels: u16,
    rate_hz: u32,
}

#[derive(Debug, Clone, Copy)]
enum WaveEncoding {
    Bits8,
    Bits16,
    G711(Coding),
}

impl WaveFormat {
    fn read(chunk: &[u8]) -> Result<Self, WaveformError> {
        let malformed = WaveformError::Malformed;
        let mut tag = le_u16(chunk, 0).ok_or(malformed)?;
        if tag == WAVE_EXTENSIBLE {
            // The sub-format begins with the tag that it extends.
            tag = le_u16(chunk, 24).ok_or(malformed)?;
        }
        let channels = le_u16(chunk, 2).ok_or(malformed)?;
        let rate_hz = le_u32(chunk, 4).ok_or(malformed)?;
        let bits = le_u16(chunk, 14).ok_or(malformed)?;
        let encoding = match (tag, bits) {
            (WAVE_PCM, 8) => WaveEncoding::Bits8,
            (WAVE_PCM, 16) => WaveEncoding::Bits16,
            (WAVE_ALAW, 8) => WaveEncoding::G711(Coding::Alaw),
            (WAVE_MULAW, 8) => WaveEncoding::G711(Coding::Mulaw),
            _ => return Err(WaveformError::Encoding),
        };
        if channels == 0 || channels > CHANNELS_MAX || rate_hz == 0 {
            return Err(malformed);
        }
        Ok(Self { encoding, channels, rate_hz })
    }

    fn samples(self, data: &[u8]) -> Result<Waveform, WaveformError> {
        let mut samples = Vec::new();
        match self.encoding {
            WaveEncoding::Bits8 => samples.extend(data.iter().map(|octet| (i16::from(*octet) - 128) << 8)),
            WaveEncoding::Bits16 => {
                samples.extend(data.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(i16::from_le_bytes));
            }
            WaveEncoding::G711(coding) => {
                Decoder::new(coding.codec(), ClockRate::Hz8000).decode(data, &mut samples);
            }
        }
        if self.channels > 1 {
            let count = i32::from(self.channels);
            samples = samples
                .chunks_exact(usize::from(self.channels))
                .map(|frame| frame.iter().map(|sample| i32::from(*sample)).sum::<i32>() / count)
                .filter_map(|mean| i16::try_from(mean).ok())
                .collect();
        }
        Ok(Waveform { samples, sample_rate_hz: self.rate_hz })
    }
}

fn le_u16(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn le_u32(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: ClockRate = ClockRate::Hz8000;

    fn format(media_type: &str) -> WaveformFormat {
        WaveformFormat::from_media_type(media_type, NARROW).unwrap_or_else(|| panic!("{media_type}"))
    }

    fn stored(media_type: &str, samples: &[i16]) -> Vec<u8> {
        let format = format(media_type);
        let mut octets = format.header(samples.len() as u64);
        format.encode(samples, &mut octets);
        octets.extend(format.trailer(samples.len() as u64));
        octets
    }

    #[test]
    fn what_is_written_can_be_read() {
        let samples: Vec<i16> = (0..1601).map(|n| ((n * 37) % 20_000 - 10_000) as i16).collect();
        for media_type in [
            "audio/wav",
            "audio/x-wav;codec=7",
            "Audio/WAV; codecs=\"alaw\"",
            "audio/vnd.wave;codec=1;rate=16000",
            "audio/basic",
            "audio/x-alaw-basic",
            "audio/L16;rate=8000",
            "audio/PCMA",
        ] {
            let read = Waveform::read(&stored(media_type, &samples), Some(media_type)).unwrap();
            assert_eq!(read.samples.len(), samples.len(), "{media_type}");
            let worst = read.samples.iter().zip(&samples).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs()).max();
            let is_exact = media_type.contains("codec=1") || media_type == "audio/wav" || media_type.contains("L16");
            assert!(worst.unwrap() <= if is_exact { 0 } else { 640 }, "{media_type}: {worst:?}");
            assert_eq!(read.sample_rate_hz, if media_type.contains("16000") { 16_000 } else { 8_000 });
        }
    }

    #[test]
    fn other_programs_read_what_is_written() {
        let samples = [0, 1, -1, i16::MAX, i16::MIN];
        let mut reader = hound::WavReader::new(std::io::Cursor::new(stored("audio/wav", &samples))).unwrap();
        assert_eq!(reader.spec().sample_rate, 8_000);
        assert_eq!(reader.samples::<i16>().map(Result::unwrap).collect::<Vec<_>>(), samples);
    }

    #[test]
    fn the_lengths_in_a_header_are_those_of_the_file() {
        for media_type in ["audio/wav", "audio/wav;codec=ulaw"] {
            for count in [0, 1, 2, 800] {
                let octets = stored(media_type, &vec![5; count]);
                assert_eq!(le_u32(&octets, 4).unwrap() as usize, octets.len() - 8, "{media_type} {count}");
                assert_eq!(octets.len() % 2, 0);
            }
        }
    }

    #[test]
    fn what_we_cannot_write_is_no_format() {
        for media_type in [
            "audio/mpeg",
            "video/mp4",
            "audio/wav;codec=85",
            "audio/wav;rate=44100",
            "audio/wav;channels=2",
            "audio/basic;rate=16000",
            "audio/basic;codec=alaw",
            "",
            "wav",
        ] {
            assert_eq!(WaveformFormat::from_media_type(media_type, NARROW), None, "{media_type}");
        }
    }

    #[test]
    fn audio_of_another_rate_is_resampled_to_its_length() {
        let format = WaveformFormat::from_media_type("audio/basic", ClockRate::Hz16000).unwrap();
        let mut writer = WaveformWriter::new(format, ClockRate::Hz16000).unwrap();
        let mut octets = Vec::new();
        for _ in 0..50 {
            writer.push(&[1_000; 320], &mut octets);
        }
        writer.finish(&mut octets);
        assert_eq!(octets.len(), 8_000);
    }

    #[test]
    fn channels_are_mixed_and_eight_bits_are_read() {
        let mut wav =
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\0\0\0\0\x02\0\x08\0LIST\x01\0\0\0x\0data".to_vec();
        wav.extend(u32::MAX.to_le_bytes());
        wav.extend([128 + 10, 128 + 30, 128, 128]);
        let read = Waveform::read(&wav, None).unwrap();
        assert_eq!(read, Waveform { samples: vec![20 << 8, 0], sample_rate_hz: 8_000 });
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_or_shorter_audio() {
        let whole = stored("audio/wav;codec=ulaw", &[1_000; 100]);
        for cut in testkit::every_truncation(&whole) {
            if let Ok(read) = Waveform::read(cut, Some("audio/wav")) {
                assert!(read.samples.len() <= 100);
            }
        }
    }

    #[test]
    fn other_encodings_are_refused() {
        let mut wav = stored("audio/wav", &[1; 10]);
        wav[20] = 85;
        assert_eq!(Waveform::read(&wav, None), Err(WaveformError::Encoding));
        assert_eq!(Waveform::read(b"ID3", Some("audio/mpeg")), Err(WaveformError::MediaType));
        assert_eq!(Waveform::read(b"RIFX", Some("audio/wav")), Err(WaveformError::Malformed));
    }
}
