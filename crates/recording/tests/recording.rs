//! Recordings as a server makes them: audio in, files out.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use media::{ClockRate, PcmSink, Waveform, WaveformFormat};
use recording::{
    Cut, Endpointing, RecordEvent, RecordSpec, Recorder, Recording, Saved, SavedContent, Storage, StorageConfig,
    StorageError, Target,
};
use testkit::babble;

const NARROW: ClockRate = ClockRate::Hz8000;

/// A recorder of its own, with the folder that it writes to.
struct Bench {
    folder: tempfile::TempDir,
    recorder: Recorder,
}

/// One recording and what is told of it.
struct Take {
    sink: Box<dyn PcmSink>,
    recording: Option<Recording>,
    events: Receiver<RecordEvent>,
}

impl Bench {
    fn new() -> Self {
        Self::with(1 << 20)
    }

    fn with(bytes_max: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("messages")).unwrap();
        let config = StorageConfig {
            directory: Some(folder.path().join("own")),
            bytes_max,
            file_root: Some(folder.path().join("messages")),
        };
        let recorder = Recorder::start(Storage::open(config).unwrap(), 1).unwrap();
        Self { folder, recorder }
    }

    fn record(&self, spec: RecordSpec) -> Take {
        let (told, events) = channel();
        let (sink, recording) = self.recorder.record(spec, Box::new(move |event| told.send(event).unwrap())).unwrap();
        Take { sink, recording: Some(recording), events }
    }

    fn file(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }

    /// Files of the server's own folder.
    fn own_files(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("own")).unwrap().count()
    }

    fn uri(&self, path: &str) -> String {
        format!("file://{}", self.file(path).display())
    }
}

impl Take {
    fn next(&self) -> RecordEvent {
        self.events.recv_timeout(Duration::from_secs(10)).expect("an event")
    }

    fn started(self) -> Self {
        assert!(matches!(self.next(), RecordEvent::Started));
        self
    }

    /// Audio in packets of 20 ms.
    fn hear(&mut self, samples: &[i16]) {
        samples.chunks(160).for_each(|packet| self.sink.push(packet).unwrap());
    }

    fn finish(&mut self, cut: Cut) -> Saved {
        self.recording.take().unwrap().finish(cut);
        match self.next() {
            RecordEvent::Saved(saved) => saved,
            other => panic!("{other:?}"),
        }
    }

    fn failed(&self) -> StorageError {
        match self.next() {
            RecordEvent::Failed(error) => error,
            other => panic!("{other:?}"),
        }
    }
}

fn spec(media_type: &str, target: Target) -> RecordSpec {
    RecordSpec {
        format: WaveformFormat::from_media_type(media_type, NARROW).unwrap(),
        media_type: media_type.to_owned(),
        source_rate: NARROW,
        target,
        endpointing: None,
        max_ms: 60_000,
    }
}

fn memory() -> Target {
    Target::Memory { bytes_max: 1 << 20 }
}

fn endpointed(on_speech: bool) -> RecordSpec {
    let endpointing = Endpointing { sensitivity: 0.5, on_speech, hangover_ms: 300 };
    RecordSpec { endpointing: Some(endpointing), ..spec("audio/wav", memory()) }
}

fn content(saved: &Saved) -> Vec<u8> {
    match &saved.content {
        SavedContent::Memory(content) => content.to_vec(),
        SavedContent::Served(published) => published.read_all().unwrap(),
        SavedContent::Spool(spool) => spool.read_all().unwrap(),
        SavedContent::File => panic!("it is in a file"),
    }
}

fn samples(saved: &Saved) -> Vec<i16> {
    Waveform::read(&content(saved), None).unwrap().samples
}

fn ramp(count: usize) -> Vec<i16> {
    (0..count).map(|n| (n % 20_000) as i16).collect()
}

#[test]
fn rcd_005_rcd_006_what_was_heard_is_in_memory_to_the_sample_with_its_size_and_duration() {
    let bench = Bench::new();
    let mut take = bench.record(spec("audio/wav", memory())).started();
    let sent = ramp(16_000);
    take.hear(&sent);
    let saved = take.finish(Cut::TrimMs(0));
    assert_eq!(samples(&saved), sent);
    assert_eq!((saved.size_bytes, saved.duration_ms), (content(&saved).len() as u64, 2_000));
    assert_eq!(bench.own_files(), 0, "a body needs no file");
}

#[test]
fn rcd_003_rcd_025_sec_018_a_served_recording_is_there_while_it_is_wanted_and_no_longer() {
    let bench = Bench::new();
    let storage = bench.recorder.storage().clone();
    let mut take = bench.record(spec("audio/basic", Target::Served { name: "secret.ulaw".to_owned() })).started();
    take.hear(&ramp(8_000));
    assert!(storage.served("secret.ulaw").is_none(), "not before it is complete");
    let saved = take.finish(Cut::TrimMs(0));
    let served = storage.served("secret.ulaw").unwrap();
    assert_eq!((served.media_type.as_str(), served.size_bytes), ("audio/basic", 8_000));
    assert_eq!(std::io::copy(&mut { served.file }, &mut std::io::sink()).unwrap(), 8_000);
    assert_eq!(storage.bytes(), 8_000);
    for guess in ["", ".", "..", "secret", "secret.ulaw/", "../own/secret.ulaw"] {
        assert!(storage.served(guess).is_none(), "{guess}");
    }
    drop(saved);
    assert!(storage.served("secret.ulaw").is_none());
    assert_eq!((bench.own_files(), storage.bytes()), (0, 0));
}

#[test]
fn rcd_004_a_file_is_written_below_the_folder_and_appears_when_it_is_complete() {
    let bench = Bench::new();
    std::fs::create_dir(bench.file("messages/box")).unwrap();
    let uri = bench.uri("messages/box/1.wav");
    let mut take = bench.record(spec("audio/wav", Target::File { uri })).started();
    take.hear(&ramp(8_000));
    assert!(!bench.file("messages/box/1.wav").exists());
    let saved = take.finish(Cut::TrimMs(0));
    let written = std::fs::read(bench.file("messages/box/1.wav")).unwrap();
    assert_eq!(Waveform::read(&written, None).unwrap().samples, ramp(8_000));
    assert_eq!(saved.size_bytes, written.len() as u64);
    assert_eq!(std::fs::read_dir(bench.file("messages/box")).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn rcd_007_nothing_outside_the_folder_is_written_through_links_either() {
    let bench = Bench::new();
    let outside = bench.file("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("precious"), "untouched").unwrap();
    std::os::unix::fs::symlink(&outside, bench.file("messages/link")).unwrap();
    std::os::unix::fs::symlink("../outside", bench.file("messages/relative")).unwrap();
    std::os::unix::fs::symlink(outside.join("precious"), bench.file("messages/file.wav")).unwrap();
    for path in ["messages/link/x.wav", "messages/relative/x.wav"] {
        let take = bench.record(spec("audio/wav", Target::File { uri: bench.uri(path) }));
        assert!(matches!(take.failed(), StorageError::Forbidden), "{path}");
    }
    for uri in ["file:///etc/x".to_owned(), bench.uri("messages/../outside/x"), bench.uri("messages/%2e%2e/x")] {
        assert!(!bench.recorder.storage().permits(&uri), "{uri}");
        assert!(matches!(bench.record(spec("audio/wav", Target::File { uri })).failed(), StorageError::Forbidden));
    }
    // A link in the place of the file is replaced, not followed.
    let mut take = bench.record(spec("audio/wav", Target::File { uri: bench.uri("messages/file.wav") })).started();
    take.hear(&ramp(160));
    take.finish(Cut::TrimMs(0));
    assert_eq!(std::fs::read_to_string(outside.join("precious")).unwrap(), "untouched");
    assert!(bench.file("messages/file.wav").symlink_metadata().unwrap().is_file());
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn rcd_008_a_folder_that_is_not_there_fails_at_once() {
    let bench = Bench::new();
    let take = bench.record(spec("audio/wav", Target::File { uri: bench.uri("messages/none/x.wav") }));
    assert!(matches!(take.failed(), StorageError::Io(_)));
}

#[test]
fn rcd_009_capture_on_speech_leaves_the_silence_before_out_and_its_absence_keeps_it() {
    let mut heard = vec![0; 24_000];
    heard.extend(babble(8_000, 1_000));
    let bench = Bench::new();
    let lengths = [false, true].map(|on_speech| {
        let mut take = bench.record(endpointed(on_speech)).started();
        take.hear(&heard);
        assert!(matches!(take.next(), RecordEvent::SpeechStarted));
        take.finish(Cut::TrimMs(0)).duration_ms
    });
    assert_eq!(lengths[0], 4_000);
    assert!((1_000..=1_300).contains(&lengths[1]), "{} ms of 1000 ms of speech", lengths[1]);
}

#[test]
fn rcd_010_the_silence_after_speech_is_cut_and_no_speech_with_it() {
    let speech = babble(8_000, 1_000);
    let mut heard = vec![0; 8_000];
    heard.extend(&speech);
    heard.extend(vec![0; 16_000]);
    let bench = Bench::new();
    let mut take = bench.record(endpointed(true)).started();
    take.hear(&heard);
    assert!(matches!(take.next(), RecordEvent::SpeechStarted));
    let RecordEvent::SpeechEnded { silence_ms } = take.next() else { panic!("the end of speech") };
    assert!((200..=700).contains(&silence_ms), "{silence_ms}");
    let saved = take.finish(Cut::Silence);
    assert!((1_100..=1_600).contains(&saved.duration_ms), "{} ms", saved.duration_ms);
    let kept = samples(&saved);
    let start = kept.windows(400).position(|window| window == &speech[100..500]);
    let start = start.expect("the beginning of the speech is there, sample for sample");
    assert_eq!(kept[start..start + 7_800], speech[100..7_900]);
}

#[test]
fn rcd_020_trim_length_cuts_the_end_and_more_than_there_is_leaves_an_empty_file() {
    let bench = Bench::new();
    let mut take = bench.record(spec("audio/wav", memory())).started();
    take.hear(&ramp(16_000));
    let saved = take.finish(Cut::TrimMs(500));
    assert_eq!((saved.duration_ms, samples(&saved)), (1_500, ramp(12_000)));
    let mut take = bench.record(spec("audio/wav;codec=ulaw", memory())).started();
    take.hear(&ramp(16_000));
    let saved = take.finish(Cut::TrimMs(5_000));
    assert_eq!((saved.duration_ms, samples(&saved).len()), (0, 0));
}

#[test]
fn rcd_013_no_more_than_the_longest_time_is_kept() {
    let bench = Bench::new();
    let mut take = bench.record(RecordSpec { max_ms: 1_000, ..spec("audio/wav", memory()) }).started();
    take.hear(&ramp(16_000));
    assert_eq!(samples(&take.finish(Cut::Silence)), ramp(8_000));
}

#[test]
fn rcd_005_a_body_that_is_full_says_so_and_keeps_what_fits() {
    let bench = Bench::new();
    let mut take = bench.record(spec("audio/wav", Target::Memory { bytes_max: 1_000 })).started();
    take.hear(&ramp(8_000));
    assert!(matches!(take.next(), RecordEvent::Full));
    let saved = take.finish(Cut::Silence);
    assert!(saved.size_bytes <= 1_000 && saved.size_bytes > 990, "{}", saved.size_bytes);
    let kept = samples(&saved);
    assert_eq!(kept, ramp(kept.len()));
}

#[test]
fn rcd_024_a_recording_over_the_quota_fails_and_leaves_nothing() {
    let bench = Bench::with(40_000);
    let storage = bench.recorder.storage().clone();
    let mut first = bench.record(spec("audio/basic", Target::Served { name: "a".to_owned() })).started();
    first.hear(&ramp(20_000));
    let first = first.finish(Cut::TrimMs(0));
    let mut second = bench.record(spec("audio/basic", Target::Served { name: "b".to_owned() })).started();
    second.hear(&ramp(32_000));
    assert!(matches!(second.failed(), StorageError::Quota));
    assert_eq!((bench.own_files(), storage.bytes()), (1, 20_000));
    assert_eq!(content(&first).len(), 20_000, "the first one is untouched");
}

#[test]
fn a_recording_that_is_dropped_leaves_nothing() {
    let bench = Bench::new();
    let mut take = bench.record(spec("audio/basic", Target::Served { name: "a".to_owned() })).started();
    let file = bench.record(spec("audio/wav", Target::File { uri: bench.uri("messages/x.wav") })).started();
    take.hear(&ramp(32_000));
    drop((take, file));
    // The thread works in order: once it has finished another one, the first are gone.
    bench.record(spec("audio/wav", memory())).started().finish(Cut::TrimMs(0));
    assert_eq!((bench.own_files(), bench.recorder.storage().bytes()), (0, 0));
    assert_eq!(std::fs::read_dir(bench.file("messages")).unwrap().count(), 0);
}

#[test]
fn a_disk_that_does_not_keep_up_fails_the_recording() {
    let bench = Bench::new();
    let mut take = bench.record(spec("audio/wav", memory())).started();
    // More at once than the ring holds.
    let overrun = (0..1_000).any(|_| take.sink.push(&[0; 1_600]).is_err());
    assert!(overrun);
    assert!(matches!(take.failed(), StorageError::Io(_)));
}

#[test]
fn sec_019_recordings_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut take = bench.record(spec("audio/basic", Target::Served { name: "a".to_owned() })).started();
    let saved = take.finish(Cut::TrimMs(0));
    let own = bench.file("own");
    assert_eq!(mode(&own), 0o700);
    let file = std::fs::read_dir(&own).unwrap().next().unwrap().unwrap().path();
    assert_eq!(mode(&file), 0o600);
    drop(saved);
}

#[test]
fn what_an_earlier_process_left_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("voxgate-1-1.part"), "left").unwrap();
    std::fs::write(folder.path().join("notes"), "mine").unwrap();
    let config = StorageConfig { directory: Some(folder.path().to_owned()), ..StorageConfig::default() };
    let _storage = Storage::open(config).unwrap();
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["notes"]);
}

#[test]
fn two_recordings_of_one_stream_are_the_same() {
    let bench = Bench::new();
    let mut narrow = bench.record(spec("audio/wav", memory())).started();
    let mut other = bench.record(spec("audio/l16", memory())).started();
    for packet in ramp(8_000).chunks(160) {
        narrow.sink.push(packet).unwrap();
        other.sink.push(packet).unwrap();
    }
    let raw = other.finish(Cut::TrimMs(0));
    let raw = Waveform::read(&content(&raw), Some("audio/l16;rate=8000")).unwrap();
    assert_eq!(samples(&narrow.finish(Cut::TrimMs(0))), raw.samples);
}

/// Names the folder of a tiny file system, in the process that has one.
const TINY: &str = "VOXGATE_TINY_FILE_SYSTEM";

#[test]
fn rcd_024_a_full_disk_fails_the_recording_and_leaves_nothing() {
    if let Some(folder) = std::env::var_os(TINY) {
        return fill(Path::new(&folder));
    }
    // A file system of 32 KiB in a mount namespace of its own, where this machine lets us have one.
    let folder = tempfile::tempdir().unwrap();
    let test = std::env::current_exe().unwrap();
    let script = "mount -t tmpfs -o size=32k tmpfs \"$0\" || exit 77; exec \"$1\" --exact \"$2\"";
    let ran = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(folder.path())
        .arg(test)
        .arg("rcd_024_a_full_disk_fails_the_recording_and_leaves_nothing")
        .env(TINY, folder.path())
        .output();
    match ran {
        Ok(output) if output.status.success() => {}
        Ok(output) if output.status.code() == Some(101) => {
            panic!("{}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(_) | Err(_) => eprintln!("skipped: no file system can be mounted here"),
    }
}

fn fill(folder: &Path) {
    let config =
        StorageConfig { directory: Some(folder.to_owned()), file_root: Some(folder.to_owned()), bytes_max: 1 << 30 };
    let recorder = Recorder::start(Storage::open(config).unwrap(), 1).unwrap();
    let uri = format!("file://{}/x.wav", folder.display());
    for target in [Target::Served { name: "a".to_owned() }, Target::File { uri }] {
        let (told, events) = channel();
        let deliver = Box::new(move |event| _ = told.send(event));
        let (mut sink, _recording) = recorder.record(spec("audio/wav", target), deliver).unwrap();
        let event = || events.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(matches!(event(), RecordEvent::Started));
        for _ in 0..20 {
            sink.push(&[1; 1_600]).unwrap();
        }
        assert!(matches!(event(), RecordEvent::Failed(StorageError::Disk)));
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
        assert_eq!(recorder.storage().bytes(), 0);
    }
}
