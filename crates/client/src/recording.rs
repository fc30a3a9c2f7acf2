//! The stereo recording of a call: the caller on the left, the robot on the right, each where it was on the wire.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::error::CallError;

/// The longest recording, in minutes; what comes later is not kept.
const MINUTES_MAX: usize = 120;

/// A packet whose place by its timestamp is this far from its place by the clock, in milliseconds, starts anew.
const DRIFT_MS_MAX: u64 = 200;

/// Which channel of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What the client sent.
    Caller,
    /// What the server sent.
    Robot,
}

/// A recording under way. Clones record into the same one.
#[derive(Debug, Clone)]
pub struct Recording {
    start: Instant,
    sample_rate_hz: u32,
    tracks: Arc<Mutex<Tracks>>,
}

#[derive(Debug, Default)]
struct Tracks {
    caller: Vec<i16>,
    robot: Vec<i16>,
}

impl Recording {
    /// An empty recording that begins at `start`.
    pub fn new(start: Instant, sample_rate_hz: u32) -> Self {
        Self { start, sample_rate_hz, tracks: Arc::default() }
    }

    /// Samples per second of both sides.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// What writes one side, packet by packet.
    pub fn track(&self, side: Side) -> TrackWriter {
        TrackWriter { recording: self.clone(), side, anchor: None }
    }

    /// Both sides so far, of equal length.
    pub fn samples(&self) -> (Vec<i16>, Vec<i16>) {
        let tracks = self.tracks.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut caller, mut robot) = (tracks.caller.clone(), tracks.robot.clone());
        drop(tracks);
        let length = caller.len().max(robot.len());
        caller.resize(length, 0);
        robot.resize(length, 0);
        (caller, robot)
    }

    /// Writes a 16-bit stereo WAV file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), CallError> {
        let failed = |source| CallError::Audio { path: path.display().to_string(), source };
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: self.sample_rate_hz,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, spec).map_err(failed)?;
        let (caller, robot) = self.samples();
        for (left, right) in caller.into_iter().zip(robot) {
            writer.write_sample(left).map_err(failed)?;
            writer.write_sample(right).map_err(failed)?;
        }
        writer.finalize().map_err(failed)
    }

    fn write(&self, side: Side, position: usize, samples: &[i16]) {
        let end = position + samples.len();
        if end > MINUTES_MAX * 60 * self.sample_rate_hz as usize {
            return;
        }
        let mut tracks = self.tracks.lock().unwrap_or_else(PoisonError::into_inner);
        let track = match side {
            Side::Caller => &mut tracks.caller,
            Side::Robot => &mut tracks.robot,
        };
        if track.len() < end {
            track.resize(end, 0);
        }
        if let Some(place) = track.get_mut(position..end) {
            place.copy_from_slice(samples);
        }
    }
}

/// Places packets of one stream: a talk-spurt lies where its first packet was on the wire, and is in itself placed by
/// timestamps, so that jitter leaves no gaps.
#[derive(Debug)]
pub struct TrackWriter {
    recording: Recording,
    side: Side,
    /// A timestamp, and the position in samples that it has.
    anchor: Option<(u32, u64)>,
}

impl TrackWriter {
    /// Places one packet that was sent or received at `at`. Its timestamp counts `timestamp_hz` units per second.
    pub fn packet(&mut self, at: Instant, marker: bool, timestamp: u32, timestamp_hz: u32, samples: &[i16]) {
        let rate = u64::from(self.recording.sample_rate_hz);
        let elapsed = at.saturating_duration_since(self.recording.start).as_micros();
        let by_clock = u64::try_from(elapsed).unwrap_or(u64::MAX).saturating_mul(rate) / 1_000_000;
        let by_timestamp = self.anchor.filter(|_| !marker).map(|(known, position)| {
            // A timestamp before the anchor is far ahead, and so starts anew.
            let units = u64::from(timestamp.wrapping_sub(known));
            position.saturating_add(units * rate / u64::from(timestamp_hz.max(1)))
        });
        let position = match by_timestamp {
            Some(position) if position.abs_diff(by_clock) <= DRIFT_MS_MAX * rate / 1000 => position,
            Some(_) | None => by_clock,
        };
        self.anchor = Some((timestamp, position));
        self.recording.write(self.side, usize::try_from(position).unwrap_or(usize::MAX / 2), samples);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn both_sides_lie_where_they_were_on_the_wire() {
        let start = testkit::epoch();
        let recording = Recording::new(start, 8000);
        let (mut caller, mut robot) = (recording.track(Side::Caller), recording.track(Side::Robot));
        let at = |ms| start + Duration::from_millis(ms);
        robot.packet(at(100), true, 5000, 8000, &[1; 160]);
        // 15 ms late, but placed by its timestamp.
        robot.packet(at(135), false, 5160, 8000, &[2; 160]);
        caller.packet(at(500), true, 77, 8000, &[3; 80]);
        let (left, right) = recording.samples();
        assert_eq!((left.len(), right.len()), (4080, 4080));
        assert_eq!((right[799], right[800], right[959], right[960], right[1119], right[1120]), (0, 1, 1, 2, 2, 0));
        assert_eq!((left[3999], left[4000], left[4079]), (0, 3, 3));
    }

    #[test]
    fn a_marker_or_a_jump_of_the_timestamp_starts_anew() {
        let start = testkit::epoch();
        let recording = Recording::new(start, 8000);
        let mut robot = recording.track(Side::Robot);
        robot.packet(start, true, 0, 8000, &[1; 160]);
        robot.packet(start + Duration::from_millis(1000), true, 160, 8000, &[2; 160]);
        robot.packet(start + Duration::from_millis(1020), false, 4_000_000, 8000, &[3; 160]);
        let (_, right) = recording.samples();
        assert_eq!((right[160], right[8000], right[8160]), (0, 2, 3));
    }

    #[test]
    fn the_file_is_stereo_with_the_caller_on_the_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("call.wav");
        let start = testkit::epoch();
        let recording = Recording::new(start, 8000);
        recording.track(Side::Caller).packet(start, true, 0, 8000, &[5; 8]);
        recording.track(Side::Robot).packet(start, true, 0, 8000, &[-5; 4]);
        recording.save(&path).unwrap();
        let mut reader = hound::WavReader::open(&path).unwrap();
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 8000));
        let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        assert_eq!(samples[..4], [5, -5, 5, -5]);
        assert_eq!(samples[8..12], [5, 0, 5, 0]);
    }
}
