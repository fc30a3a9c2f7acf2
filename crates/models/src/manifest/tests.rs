use tempfile::TempDir;

use super::*;

/// A directory with one model of one file.
fn bench() -> (TempDir, Manifest) {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("vad.onnx");
    std::fs::write(&file, "graph").unwrap();
    let path = RelativePath::try_from("vad.onnx".to_owned()).unwrap();
    let model = Model {
        id: "vad/silero".to_owned(),
        set: "vad".to_owned(),
        purpose: Purpose::VoiceActivity,
        languages: Vec::new(),
        sample_rate_hz: 16_000,
        licence: "MIT".to_owned(),
        voices: Vec::new(),
        simplified: None,
        kind: ModelKind::SileroVad { model: path.clone() },
    };
    let mut manifest = Manifest::empty();
    manifest.models.push(model);
    manifest.files.insert(path, FileRecord::of(&file).unwrap());
    (directory, manifest)
}

fn fault(directory: &TempDir, manifest: &Manifest, depth: Depth) -> Option<FileFaultKind> {
    manifest.check_all(directory.path(), depth).pop().map(|fault| fault.kind)
}

#[test]
fn what_was_stored_is_loaded() {
    let (directory, manifest) = bench();
    manifest.store(directory.path()).unwrap();
    assert_eq!(Manifest::load(directory.path()).unwrap(), manifest);
}

#[test]
fn files_as_recorded_have_no_fault() {
    let (directory, manifest) = bench();
    assert_eq!(fault(&directory, &manifest, Depth::Quick), None);
    assert_eq!(fault(&directory, &manifest, Depth::Full), None);
}

#[test]
fn a_truncated_file_is_found_by_a_quick_check() {
    let (directory, manifest) = bench();
    std::fs::write(directory.path().join("vad.onnx"), "grap").unwrap();
    assert_eq!(fault(&directory, &manifest, Depth::Quick), Some(FileFaultKind::Size { expected: 5, found: 4 }));
}

#[test]
fn a_changed_file_of_the_same_size_is_found_by_its_time() {
    let (directory, mut manifest) = bench();
    std::fs::write(directory.path().join("vad.onnx"), "grave").unwrap();
    for record in manifest.files.values_mut() {
        record.modified_ns -= 1;
    }
    assert!(matches!(fault(&directory, &manifest, Depth::Quick), Some(FileFaultKind::Sum { .. })));
}

#[test]
fn a_file_that_was_only_touched_has_no_fault() {
    let (directory, mut manifest) = bench();
    for record in manifest.files.values_mut() {
        record.modified_ns += 1;
    }
    assert_eq!(fault(&directory, &manifest, Depth::Quick), None);
}

#[test]
fn missing_and_unlisted_files_are_told_apart() {
    let (directory, mut manifest) = bench();
    std::fs::remove_file(directory.path().join("vad.onnx")).unwrap();
    assert_eq!(fault(&directory, &manifest, Depth::Quick), Some(FileFaultKind::Missing));
    manifest.files.clear();
    assert_eq!(fault(&directory, &manifest, Depth::Quick), Some(FileFaultKind::Unlisted));
}

#[test]
fn a_directory_without_models_says_what_to_run() {
    let directory = TempDir::new().unwrap();
    let error = Manifest::load(directory.path()).unwrap_err();
    assert!(matches!(error, ManifestError::Absent(_)));
    assert!(error.to_string().contains("voxgate models fetch"));
}

#[test]
fn a_manifest_of_another_version_is_not_read() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join(MANIFEST_FILE), r#"{"schema": 2, "new": true}"#).unwrap();
    assert!(matches!(Manifest::load(directory.path()), Err(ManifestError::Schema { found: 2, .. })));
    std::fs::write(directory.path().join(MANIFEST_FILE), "{").unwrap();
    assert!(matches!(Manifest::load(directory.path()), Err(ManifestError::Syntax { .. })));
}

#[test]
fn paths_stay_below_the_directory() {
    for path in ["", "/etc/passwd", "a/../b", "..", "a//b", "./a", "a\\b"] {
        assert!(RelativePath::try_from(path.to_owned()).is_err(), "{path}");
    }
    assert!(RelativePath::try_from("en/voice/model.onnx".to_owned()).is_ok());
}

#[test]
fn the_first_model_for_a_language_is_taken() {
    let (_directory, mut manifest) = bench();
    let mut other = manifest.models[0].clone();
    other.id = "vad/other".to_owned();
    manifest.models.push(other);
    assert_eq!(manifest.model_for(Purpose::VoiceActivity, "zh").unwrap().id, "vad/silero");
    manifest.models[0].languages = vec!["en".to_owned()];
    assert_eq!(manifest.model_for(Purpose::VoiceActivity, "zh").unwrap().id, "vad/other");
    assert!(manifest.model_for(Purpose::Partials, "zh").is_none());
}

#[test]
fn a_voice_is_chosen_by_name_then_language() {
    let (_directory, mut manifest) = bench();
    let voice = |name: &str, language: &str| Voice {
        name: name.to_owned(),
        speaker: 0,
        language: language.to_owned(),
        gender: Gender::Female,
    };
    manifest.models[0].voices = vec![voice("xiao", "zh"), voice("heart", "en"), voice("puck", "en")];
    let model = &manifest.models[0];
    let chosen = |name, language| model.voice(name, language).unwrap().name.as_str();
    assert_eq!(chosen(Some("puck"), "zh"), "puck");
    assert_eq!(chosen(None, "en"), "heart");
    assert_eq!(chosen(Some("nobody"), "fr"), "xiao");
}
