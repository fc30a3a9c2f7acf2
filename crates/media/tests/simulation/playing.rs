//! What holds for playing, whatever it is told: the position is what was sent, and nothing jumps.

use media::{LegCommand, LegEvent, PcmBuffer, PlayoutOutcome, UtteranceId};
use proptest::prelude::*;

use crate::network::{Speaker, linear};

/// What a session does to what plays.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Wait { ms: u64 },
    Pause,
    Resume,
    Gain { percent: u16 },
    Stop { fade_ms: u32 },
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (1u64..30).prop_map(|tens| Operation::Wait { ms: tens * 10 }),
        1 => Just(Operation::Pause),
        1 => Just(Operation::Resume),
        1 => (25u16..200).prop_map(|percent| Operation::Gain { percent }),
        1 => (20u32..=50).prop_map(|fade_ms| Operation::Stop { fade_ms }),
    ]
}

/// A level that no gain makes silent, and none clips.
const LEVEL: i16 = 8_000;

fn act(speaker: &mut Speaker, operation: Operation) {
    match operation {
        Operation::Wait { ms } => speaker.run(ms),
        Operation::Pause => speaker.command(LegCommand::Pause),
        Operation::Resume => speaker.command(LegCommand::Resume),
        Operation::Gain { percent } => speaker.command(LegCommand::SetGain(f32::from(percent) / 100.0)),
        Operation::Stop { fade_ms } => speaker.command(LegCommand::Stop { utterance: None, fade_ms }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_positions_told_are_the_samples_sent(
        lengths in proptest::collection::vec(1usize..6_000, 1..6),
        operations in proptest::collection::vec(operation(), 0..25),
    ) {
        let mut speaker = Speaker::new(linear());
        for (id, length) in lengths.iter().enumerate() {
            speaker.play(id as u64, &PcmBuffer::from_samples(8000, &vec![LEVEL; *length]));
        }
        for operation in operations {
            act(&mut speaker, operation);
        }
        speaker.command(LegCommand::Resume);
        speaker.run(4_500);
        let ends: Vec<(usize, u64, PlayoutOutcome)> = speaker
            .events
            .iter()
            .filter_map(|(_, event)| match event {
                LegEvent::PlayoutFinished { utterance, position_samples, outcome, .. } => {
                    Some((utterance.0 as usize, *position_samples, *outcome))
                }
                _ => None,
            })
            .collect();
        prop_assert_eq!(ends.len(), lengths.len(), "each ends once");
        // Sound is what is not the silence at the end of a packet. The last sample of a fade may round to nothing.
        let sounded = speaker.samples().iter().filter(|sample| **sample != 0).count() as u64;
        let told: u64 = ends.iter().map(|(_, position, _)| position).sum();
        let stopped = ends.iter().filter(|(_, _, outcome)| *outcome == PlayoutOutcome::Stopped).count() as u64;
        prop_assert!(sounded <= told && told - sounded <= stopped, "{} told, {} sounded", told, sounded);
        for (utterance, position, outcome) in ends {
            let length = lengths[utterance] as u64;
            let is_whole = outcome == PlayoutOutcome::Completed;
            prop_assert!(position == length || (position < length && !is_whole), "{} of {}", position, length);
        }
    }

    #[test]
    fn neither_a_fade_nor_a_gain_jumps(operations in proptest::collection::vec(operation(), 1..12), fade_ms in 20u32..=50) {
        let mut speaker = Speaker::new(linear());
        speaker.play(1, &PcmBuffer::from_samples(8000, &[LEVEL; 8000 * 5]));
        speaker.run(100);
        for operation in operations {
            // A pause is the end of a talk-spurt, where sound may break off; a stop comes below.
            if !matches!(operation, Operation::Pause | Operation::Stop { .. }) {
                act(&mut speaker, operation);
            }
        }
        let before = speaker.samples().len();
        act(&mut speaker, Operation::Stop { fade_ms });
        speaker.run(200);
        let samples = speaker.samples();
        // A gain moves by a whole in 10 ms, a fade takes 20 at least, and both may be under way.
        let steepest = samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0);
        prop_assert!(steepest <= i32::from(LEVEL) / 80 + 2 * i32::from(LEVEL) / 160 + 2, "a jump of {}", steepest);
        let fade = samples.get(before..).unwrap_or_default();
        prop_assert!(fade.len() >= fade_ms as usize * 8 || before >= 8000 * 5, "{} samples", fade.len());
        prop_assert!(fade.last().is_none_or(|last| last.abs() <= 400), "{:?}", fade.last());
    }

    #[test]
    fn a_fade_only_falls(at in 1u64..100, fade_ms in 20u32..=50, gain in 25u16..200) {
        let mut speaker = Speaker::new(linear());
        speaker.play(1, &PcmBuffer::from_samples(8000, &[LEVEL; 8000 * 5]));
        act(&mut speaker, Operation::Gain { percent: gain });
        speaker.run(at * 10 + 20);
        let before = speaker.samples().len();
        act(&mut speaker, Operation::Stop { fade_ms });
        speaker.run(200);
        let samples = speaker.samples();
        let fade = &samples[before..];
        prop_assert!(fade.windows(2).all(|pair| pair[1] <= pair[0]));
        // Whole packets, the rest of the last one silent.
        prop_assert_eq!(fade.len(), (fade_ms as usize * 8).next_multiple_of(160));
        let position = speaker.events.iter().find_map(|(_, event)| match event {
            LegEvent::PlayoutFinished { position_samples, utterance: UtteranceId(1), .. } => Some(*position_samples),
            _ => None,
        });
        prop_assert_eq!(position, Some((before + fade_ms as usize * 8) as u64));
    }

    #[test]
    fn duck_and_restore_lose_nothing_and_pauses_leave_no_gap(
        pauses in proptest::collection::vec((1u64..20, 1u64..30), 0..6),
        duck in 5u16..90,
    ) {
        let mut speaker = Speaker::new(linear());
        let said: Vec<i16> = testkit::babble(8000, 2_000);
        speaker.play(1, &PcmBuffer::from_samples(8000, &said));
        for (play, pause) in pauses {
            speaker.run(play * 10);
            speaker.command(LegCommand::Pause);
            speaker.run(pause * 10);
            speaker.command(LegCommand::Resume);
        }
        speaker.command(LegCommand::SetGain(f32::from(duck) / 100.0));
        speaker.run(100);
        speaker.command(LegCommand::SetGain(1.0));
        let restored = speaker.samples().len();
        speaker.run(2_500);
        let samples = speaker.samples();
        prop_assert_eq!(samples.len(), said.len(), "the very next sample after each pause");
        // Ten milliseconds later it is as loud as ever.
        let from = (restored + 80).min(said.len());
        prop_assert_eq!(&samples[from..], &said[from..]);
    }
}
