//! DEFINE-LEXICON (RFC 6787, section 8.14).

use std::time::Instant;

use mrcp::synthesizer::{Failure, LexiconDefinition};
use mrcp::{Entity, RequestId, synthesizer};

use crate::commons::Commons;
use crate::lexicons;
use crate::speech_load::absolute;

use super::{Defining, SynthesizerChannel};

impl SynthesizerChannel {
    /// DEFINE-LEXICON (§8.14).
    pub(super) fn define(
        &mut self,
        now: Instant,
        request_id: RequestId,
        definition: &LexiconDefinition,
        parts: &mut Commons,
    ) {
        match self.load(definition) {
            Ok(missing) if missing.is_empty() => {
                self.machine.handle_input(now, synthesizer::Input::LexiconDefined { request_id, outcome: Ok(()) });
            }
            Ok(missing) => {
                self.defining.insert(request_id, Defining { left: missing.len() });
                for uri in missing {
                    self.fetch(request_id, uri, definition.fetch.clone(), parts);
                }
            }
            Err(failure) => {
                let outcome = Err(failure);
                self.machine.handle_input(now, synthesizer::Input::LexiconDefined { request_id, outcome });
            }
        }
    }

    /// Loads or unloads what can be at once; gives what has to be fetched.
    pub(super) fn load(&mut self, definition: &LexiconDefinition) -> Result<Vec<String>, Failure> {
        let mut missing = Vec::new();
        let failed = |reason: &str| lexicons::failure("session:", reason);
        let kind = |entity: &Entity| entity.content_type.as_deref().unwrap_or_default().to_owned();
        let content = definition.content.clone();
        let parts =
            content.parts(self.body_bytes_max).map_err(|_| failed("the parts of the body cannot be told apart"))?;
        for part in parts {
            let kind = kind(&part);
            if is_kind(&kind, "text/uri-list") {
                let list = String::from_utf8_lossy(&part.body).into_owned();
                let lines = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
                for uri in lines.map(|uri| absolute(uri, part.base.as_deref())) {
                    if definition.loads && self.lexicons.find(&uri).is_none() {
                        missing.push(uri);
                    } else if !definition.loads {
                        self.lexicons.unload(&uri);
                    }
                }
                continue;
            }
            let uri = part.content_id.as_deref().map(lexicons::session_uri);
            let uri = uri.ok_or_else(|| failed("a lexicon has no Content-ID"))?;
            if !definition.loads {
                self.lexicons.unload(&uri);
            } else if ["application/pls+xml", "application/xml", "text/xml"].iter().any(|known| is_kind(&kind, known)) {
                let lexicon = lexicons::read(&uri, &part.body)?;
                self.lexicons.store(&uri, lexicon)?;
            } else {
                return Err(failed(&format!(
                    "{kind} is no type of lexicon that is supported, use application/pls+xml"
                )));
            }
        }
        if missing.len() > lexicons::LEXICONS_MAX {
            return Err(failed("too many lexicons are named"));
        }
        Ok(missing)
    }
}

fn is_kind(content_type: &str, wanted: &str) -> bool {
    content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted))
}
