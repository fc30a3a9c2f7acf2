//! Phrases by their words: a tree over the first, second … word, so that a list of many phrases is as quick as a short one.

use super::document::{Cost, WordId, index, next_id};

/// The phrases among alternatives.
#[derive(Debug, Default)]
pub(super) struct PhraseIndex {
    nodes: Vec<Node>,
    /// Word and node that it leads to, sorted by word within each node.
    edges: Vec<(WordId, u32)>,
    /// Phrases in the order of their words.
    phrases: Vec<Phrase>,
}

/// An alternative that is tokens and tags only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phrase {
    pub(super) run: u32,
    pub(super) cost: Cost,
    /// Its place among the alternatives.
    pub(super) order: u32,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    edges: (u32, u32),
    /// Phrases that end here.
    phrases: (u32, u32),
}

impl PhraseIndex {
    /// An index of phrases with their words.
    pub(super) fn new(mut phrases: Vec<(Vec<WordId>, Phrase)>) -> Self {
        if phrases.is_empty() {
            return Self::default();
        }
        phrases.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.order.cmp(&b.1.order)));
        let mut built = Self {
            nodes: vec![Node { edges: (0, 0), phrases: (0, 0) }],
            edges: Vec::new(),
            phrases: phrases.iter().map(|(_, phrase)| *phrase).collect(),
        };
        // Nodes whose phrases are known and whose edges are not: node, first phrase, end of phrases, words so far.
        let mut open = vec![(0usize, 0usize, phrases.len(), 0usize)];
        while let Some((node, start, end, depth)) = open.pop() {
            let group = phrases.get(start..end).unwrap_or_default();
            let ended = group.iter().take_while(|(words, _)| words.len() == depth).count();
            let first_edge = next_id(&built.edges);
            let mut at = ended;
            while let Some(word) = group.get(at).and_then(|(words, _)| words.get(depth)).copied() {
                let rest = group.get(at..).unwrap_or_default();
                let same = rest.iter().take_while(|(words, _)| words.get(depth) == Some(&word)).count();
                built.edges.push((word, next_id(&built.nodes)));
                open.push((built.nodes.len(), start + at, start + at + same, depth + 1));
                built.nodes.push(Node { edges: (0, 0), phrases: (0, 0) });
                at += same;
            }
            let id = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
            if let Some(node) = built.nodes.get_mut(node) {
                node.edges = (first_edge, next_id(&built.edges));
                node.phrases = (id(start), id(start + ended));
            }
        }
        built
    }

    /// How many phrases there are.
    pub(super) fn len(&self) -> usize {
        self.phrases.len()
    }

    pub(super) fn phrase(&self, id: u32) -> Option<&Phrase> {
        self.phrases.get(index(id))
    }

    pub(super) fn all(&self) -> &[Phrase] {
        &self.phrases
    }

    /// Follows `words` as far as phrases go: calls `found` with each phrase that ends and the number of words that it
    /// has. Whether phrases go on where the words end.
    pub(super) fn follow(&self, words: &[WordId], mut found: impl FnMut(u32, usize)) -> bool {
        let Some(mut node) = self.nodes.first() else { return false };
        let mut rest = words.iter();
        let mut depth = 0;
        loop {
            for phrase in node.phrases.0..node.phrases.1 {
                found(phrase, depth);
            }
            let edges = self.edges.get(super::document::positions(node.edges.0, node.edges.1)).unwrap_or_default();
            let Some(word) = rest.next() else { return !edges.is_empty() };
            let Ok(edge) = edges.binary_search_by_key(word, |(word, _)| *word) else { return false };
            let Some(next) = edges.get(edge).and_then(|(_, node)| self.nodes.get(index(*node))) else { return false };
            node = next;
            depth += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexed(phrases: &[&[WordId]]) -> PhraseIndex {
        let phrases = phrases.iter().zip(0..).map(|(words, order)| {
            let phrase = Phrase { run: order, cost: 0, order };
            (words.to_vec(), phrase)
        });
        PhraseIndex::new(phrases.collect())
    }

    fn follow(index: &PhraseIndex, words: &[WordId]) -> (Vec<(u32, usize)>, bool) {
        let mut found = Vec::new();
        let goes_on = index.follow(words, |phrase, words| found.push((index.phrase(phrase).unwrap().order, words)));
        found.sort_unstable();
        (found, goes_on)
    }

    #[test]
    fn phrases_are_found_where_they_end() {
        let index = indexed(&[&[1, 2], &[1], &[3], &[1, 2, 4], &[], &[1, 2]]);
        assert_eq!(index.len(), 6);
        assert_eq!(follow(&index, &[1, 2, 9]), (vec![(0, 2), (1, 1), (4, 0), (5, 2)], false));
        assert_eq!(follow(&index, &[1, 2]), (vec![(0, 2), (1, 1), (4, 0), (5, 2)], true));
        assert_eq!(follow(&index, &[3]), (vec![(2, 1), (4, 0)], false));
        assert_eq!(follow(&index, &[7]), (vec![(4, 0)], false));
    }

    #[test]
    fn no_phrases_are_never_found() {
        assert_eq!(follow(&indexed(&[]), &[1]), (vec![], false));
    }
}
