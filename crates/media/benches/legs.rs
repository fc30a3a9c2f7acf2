//! What one tick costs with many legs: `cargo bench -p media --bench legs`.
//!
//! Half of the legs play an utterance, half capture a stream, 20 ms PCMU packets, as 800 calls with a synthesizer and a
//! recognizer each. Sockets are not part of it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use media::{
    CaptureId, ClockRate, Codec, Leg, LegCommand, LegConfig, LegMedia, PcmBuffer, PcmOverrun, PcmSink, PlaySpan,
    UtteranceId,
};

const LEGS: usize = 1600;
const TICKS: u32 = 500;

struct Count(u64);

impl PcmSink for Count {
    fn push(&mut self, samples: &[i16]) -> Result<(), PcmOverrun> {
        self.0 += black_box(samples).len() as u64;
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn main() {
    let start = Instant::now();
    let config = LegConfig::new(LegMedia::new(Codec::Pcmu, 0), ClockRate::Hz8000, 1);
    let audio = PcmBuffer::from_samples(8000, &vec![1000; 8000 * 60]);
    let mut speaking: Vec<Leg> = (0..LEGS / 2).map(|_| Leg::new(config.clone(), start)).collect();
    let mut listening: Vec<Leg> = (0..LEGS / 2).map(|_| Leg::new(config.clone(), start)).collect();
    for leg in &mut speaking {
        leg.command(start, LegCommand::Play { utterance: UtteranceId(1), audio: audio.clone(), span: PlaySpan::ALL });
    }
    for leg in &mut listening {
        leg.command(start, LegCommand::Capture { capture: CaptureId(0), sink: Box::new(Count(0)) });
    }
    let mut longest = Duration::ZERO;
    let begun = Instant::now();
    let mut packets = 0u64;
    let mut packet = vec![0u8; 12 + 160];
    for tick in 0..TICKS {
        let tick_begun = Instant::now();
        let now = start + Duration::from_millis(10) * tick;
        for leg in &mut speaking {
            leg.tick(now);
            while let Some(packet) = leg.poll_packet() {
                black_box(packet);
                packets += 1;
            }
        }
        if tick % 2 == 0 {
            let number = tick / 2;
            packet[0] = 0x80;
            packet[1] = if number == 0 { 0x80 } else { 0 };
            packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&(number * 160).to_be_bytes());
        }
        for leg in &mut listening {
            if tick % 2 == 0 {
                leg.receive(now, &packet);
                packets += 1;
            }
            leg.tick(now);
        }
        longest = longest.max(tick_begun.elapsed());
    }
    let per_tick = begun.elapsed() / TICKS;
    let share = per_tick.as_secs_f64() / 0.010 * 100.0;
    println!(
        "{LEGS} legs: {per_tick:?} per tick of 10 ms ({share:.1} % of a core), longest {longest:?}, {packets} packets"
    );
}
