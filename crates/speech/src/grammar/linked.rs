//! Documents joined by their references: a grammar that can be matched.

use std::sync::Arc;

use super::{
    Grammar,
    document::{GrammarDocument, Part, PartId, RuleId, index},
    parse_tree::GrammarSource,
};

/// A grammar of one or more documents, with one rule activated.
#[derive(Debug)]
pub(crate) struct LinkedGrammar {
    /// The one that was asked for comes first.
    pub(super) documents: Vec<LinkedDocument>,
    /// The activated rule; of a document without a root one that is not there.
    pub(super) root: RuleAddress,
}

#[derive(Debug)]
pub(super) struct LinkedDocument {
    pub(super) document: Arc<GrammarDocument>,
    pub(super) source: Arc<GrammarSource>,
    /// What relative references in it are relative to.
    pub(super) base: String,
    /// Where its references lead, by their number; `None` where no activated rule leads to them.
    pub(super) links: Vec<Option<Link>>,
    /// Which of its parts anything can be said for. Of two that follow each other none is begun when the other is not
    /// among these, so whatever has been begun can be ended.
    productive: Vec<bool>,
}

/// A rule in one of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RuleAddress {
    pub(super) document: usize,
    pub(super) rule: RuleId,
}

/// Where a reference leads.
#[derive(Debug)]
pub(super) struct Link {
    /// The reference, resolved, with its fragment.
    pub(super) reference: Arc<str>,
    pub(super) to: LinkTarget,
}

#[derive(Debug)]
pub(super) enum LinkTarget {
    Rule(RuleAddress),
    Builtin { grammar: Box<Grammar>, kind: Arc<str>, source: Arc<GrammarSource> },
}

impl LinkedDocument {
    pub(super) fn new(document: Arc<GrammarDocument>, uri: &str, base: String, links: Vec<Option<Link>>) -> Self {
        let source = GrammarSource {
            uri: uri.to_owned(),
            mode: document.mode,
            tag_format: document.tag_format.clone(),
            global_tags: document.global_tags.clone(),
            language: document.language.clone(),
        };
        let productive = vec![false; document.parts.len()];
        Self { document, source: Arc::new(source), base, links, productive }
    }

    pub(super) fn link(&self, external: u32) -> Option<&Link> {
        self.links.get(index(external))?.as_ref()
    }

    pub(super) fn is_productive(&self, part: PartId) -> bool {
        self.productive.get(index(part)).copied().unwrap_or(false)
    }
}

impl LinkedGrammar {
    pub(super) fn new(documents: Vec<LinkedDocument>, root: RuleAddress) -> Self {
        let mut grammar = Self { documents, root };
        grammar.find_productive();
        grammar
    }

    /// Whether a rule is activated.
    pub(super) fn has_root(&self) -> bool {
        self.document(self.root.document).is_some_and(|linked| linked.document.rule(self.root.rule).is_some())
    }

    pub(super) fn document(&self, number: usize) -> Option<&LinkedDocument> {
        self.documents.get(number)
    }

    /// Marks the parts that can be said, beginning with words and ending with what needs all others.
    fn find_productive(&mut self) {
        let mut users = Users::of(self);
        let mut open: Vec<(usize, PartId)> = Vec::new();
        for (number, linked) in self.documents.iter().enumerate() {
            open.extend(
                (0..linked.document.parts.len()).filter_map(|part| Some((number, PartId::try_from(part).ok()?))),
            );
        }
        // Parts stand before what they are part of: from the front most are decided at once.
        open.reverse();
        while let Some((number, part)) = open.pop() {
            let decided = self.document(number).is_none_or(|linked| linked.is_productive(part));
            if decided || !self.can_be_said(number, part) {
                continue;
            }
            if let Some(mark) = self.documents.get_mut(number).and_then(|linked| linked.productive.get_mut(index(part)))
            {
                *mark = true;
            }
            open.extend(users.take(number, part));
        }
    }

    fn can_be_said(&self, number: usize, part: PartId) -> bool {
        let Some(linked) = self.document(number) else { return false };
        let document = &linked.document;
        match document.part(part) {
            Part::Run(_) | Part::Garbage => true,
            Part::Pair(left, right) => linked.is_productive(left) && linked.is_productive(right),
            Part::Alternatives(id) => document.alternatives(id).is_some_and(|alternatives| {
                alternatives.phrases.len() > 0
                    || alternatives.others.iter().any(|other| linked.is_productive(other.part))
            }),
            Part::Repeat(id) => {
                document.repeat(id).is_some_and(|repeat| repeat.min == 0 || linked.is_productive(repeat.of))
            }
            Part::Local(rule) => document.rule(rule).is_some_and(|rule| linked.is_productive(rule.part)),
            Part::External(external) => match linked.link(external).map(|link| &link.to) {
                Some(LinkTarget::Rule(address)) => self.rule_is_productive(*address),
                Some(LinkTarget::Builtin { .. }) => true,
                None => false,
            },
            Part::Void => false,
        }
    }

    fn rule_is_productive(&self, address: RuleAddress) -> bool {
        let Some(linked) = self.document(address.document) else { return false };
        linked.document.rule(address.rule).is_some_and(|rule| linked.is_productive(rule.part))
    }
}

/// Which parts may become sayable when another one does.
struct Users(Vec<Vec<Vec<(usize, PartId)>>>);

impl Users {
    fn of(grammar: &LinkedGrammar) -> Self {
        let per_document = |linked: &LinkedDocument| vec![Vec::new(); linked.document.parts.len()];
        let mut users = Self(grammar.documents.iter().map(per_document).collect());
        for (number, linked) in grammar.documents.iter().enumerate() {
            let document = &linked.document;
            for (part, id) in document.parts.iter().zip(0..) {
                let user = (number, id);
                match *part {
                    Part::Pair(left, right) => {
                        users.add(number, left, user);
                        users.add(number, right, user);
                    }
                    Part::Alternatives(alternatives) => {
                        let others = document.alternatives(alternatives).map(|alternatives| &alternatives.others);
                        others.into_iter().flatten().for_each(|other| users.add(number, other.part, user));
                    }
                    Part::Repeat(repeat) => {
                        document.repeat(repeat).into_iter().for_each(|repeat| users.add(number, repeat.of, user));
                    }
                    Part::Local(rule) => {
                        document.rule(rule).into_iter().for_each(|rule| users.add(number, rule.part, user));
                    }
                    Part::External(external) => {
                        if let Some(LinkTarget::Rule(address)) = linked.link(external).map(|link| &link.to) {
                            let rule = grammar
                                .document(address.document)
                                .and_then(|linked| linked.document.rule(address.rule));
                            rule.into_iter().for_each(|rule| users.add(address.document, rule.part, user));
                        }
                    }
                    Part::Run(_) | Part::Garbage | Part::Void => {}
                }
            }
        }
        users
    }

    fn add(&mut self, document: usize, part: PartId, user: (usize, PartId)) {
        if let Some(users) = self.0.get_mut(document).and_then(|parts| parts.get_mut(index(part))) {
            users.push(user);
        }
    }

    fn take(&mut self, document: usize, part: PartId) -> Vec<(usize, PartId)> {
        self.0.get_mut(document).and_then(|parts| parts.get_mut(index(part))).map(std::mem::take).unwrap_or_default()
    }
}
