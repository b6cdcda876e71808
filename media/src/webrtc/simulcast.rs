//! Simulcast offers (RFC 8853): which layers a client offers, the lowest first.

/// Layers that are taken of one offer; a client sends no others.
const MAX_LAYERS: usize = 4;
/// `a=rid` lines that are read.
const MAX_RIDS: usize = 32;
/// The longest identifier that is taken, in bytes.
const MAX_RID: usize = 8;

/// Identifiers whose order is known, the lowest layer first.
const KNOWN: [&[&str]; 8] = [
    &["q", "h", "f"],
    &["l", "m", "h"],
    &["low", "mid", "high"],
    &["low", "medium", "high"],
    &["lo", "mid", "hi"],
    &["s", "m", "l"],
    &["small", "medium", "large"],
    &["r0", "r1", "r2"],
];

/// What is gathered of a section while it is read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Identifiers of `a=rid` lines that send, with their restrictions.
    rids: Vec<(String, String)>,
    /// The `send` part of `a=simulcast`.
    list: Option<String>,
}

impl Gathered {
    /// `a=rid:<id> <direction> [restrictions]` (RFC 8851, 10).
    pub(super) fn rid(&mut self, value: &str) {
        let mut parts = value.split_ascii_whitespace();
        if let (Some(id), Some("send")) = (parts.next(), parts.next())
            && self.rids.len() < MAX_RIDS
        {
            self.rids.push((id.to_owned(), parts.next().unwrap_or_default().to_owned()));
        }
    }

    /// `a=simulcast:<direction> <list> [<direction> <list>]` (RFC 8853, 5.1).
    pub(super) fn simulcast(&mut self, value: &str) {
        let mut parts = value.split_ascii_whitespace();
        while let (Some(direction), Some(list)) = (parts.next(), parts.next()) {
            if direction == "send" && self.list.is_none() {
                self.list = Some(list.to_owned());
            }
        }
    }

    /// The identifiers of the layers, the lowest first; none if the client sends
    /// one picture alone, or in a way that cannot be told apart.
    pub(super) fn finish(self) -> Vec<String> {
        let Some(list) = self.list else { return Vec::new() };
        let mut layers: Vec<(&str, &str)> = Vec::new();
        for stream in list.split(';').take(MAX_RIDS) {
            // The first alternative is the preferred one; `~` begins paused.
            let first = stream.split(',').next().unwrap_or_default();
            let id = first.strip_prefix('~').unwrap_or(first);
            let known = self.rids.iter().find(|(rid, _)| rid == id);
            let Some((_, restrictions)) = known.filter(|_| is_plain(id)) else {
                return Vec::new();
            };
            if layers.iter().any(|(other, _)| *other == id) {
                return Vec::new();
            }
            layers.push((id, restrictions));
        }
        layers.truncate(MAX_LAYERS);
        in_order(&layers)
    }
}

fn is_plain(id: &str) -> bool {
    (1..=MAX_RID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// By what the client says of the sizes or rates; or by names that are known; or
/// else by its preference, which begins with the best (RFC 8853, 5.2).
fn in_order(layers: &[(&str, &str)]) -> Vec<String> {
    let names = |layers: &[(&str, &str)]| layers.iter().map(|(id, _)| (*id).to_owned()).collect();
    for measure in [pixels, rate] {
        let measured: Option<Vec<u64>> = layers.iter().map(|(_, r)| measure(r)).collect();
        if let Some(measured) = measured
            && !measured.iter().enumerate().any(|(i, m)| measured[..i].contains(m))
        {
            let mut sorted = layers.to_vec();
            sorted.sort_by_key(|(_, restrictions)| measure(restrictions));
            return names(&sorted);
        }
    }
    for known in KNOWN {
        let place = |id: &str| known.iter().position(|name| name.eq_ignore_ascii_case(id));
        if layers.iter().all(|(id, _)| place(id).is_some()) {
            let mut sorted = layers.to_vec();
            sorted.sort_by_key(|(id, _)| place(id));
            return names(&sorted);
        }
    }
    let reversed: Vec<(&str, &str)> = layers.iter().rev().copied().collect();
    names(&reversed)
}

fn restriction(restrictions: &str, name: &str) -> Option<u64> {
    let pair = |pair: &str| pair.split_once('=').filter(|(key, _)| *key == name)?.1.parse().ok();
    restrictions.split(';').find_map(pair)
}

fn pixels(restrictions: &str) -> Option<u64> {
    let side = |name| restriction(restrictions, name);
    match (side("max-width"), side("max-height")) {
        (Some(width), Some(height)) => width.checked_mul(height),
        (Some(side), None) | (None, Some(side)) => Some(side),
        (None, None) => side("max-fs"),
    }
}

fn rate(restrictions: &str) -> Option<u64> {
    restriction(restrictions, "max-br")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(rids: &[&str], simulcast: &str) -> Vec<String> {
        let mut gathered = Gathered::default();
        rids.iter().for_each(|rid| gathered.rid(rid));
        gathered.simulcast(simulcast);
        gathered.finish()
    }

    #[test]
    fn the_lowest_comes_first() {
        let cases: [(&[&str], &str, &[&str]); 7] = [
            (&["q send", "h send", "f send"], "send f;h;q", &["q", "h", "f"]),
            (&["h send", "m send", "l send"], "send h;m;l", &["l", "m", "h"]),
            (&["0 send", "1 send", "2 send"], "send 0;1;2", &["2", "1", "0"]),
            (
                &["a send max-width=640;max-height=360", "b send max-width=1280;max-height=720"],
                "send b;a",
                &["a", "b"],
            ),
            (&["a send pt=96;max-br=900000", "b send max-br=200000"], "send a;b", &["b", "a"]),
            (&["h send", "l send", "x recv"], "recv x send h,l;~l", &["l", "h"]),
            (&["only send"], "send only", &["only"]),
        ];
        for (rids, simulcast, wanted) in cases {
            assert_eq!(layers(rids, simulcast), wanted, "{simulcast}");
        }
    }

    #[test]
    fn what_cannot_be_told_apart_is_one_picture() {
        for (rids, simulcast) in [
            (&["h send", "l send"][..], "recv h;l"),
            (&["h send"], "send h;l"),
            (&["h send"], "send h;h"),
            (&["h-1 send", "l-1 send"], "send h-1;l-1"),
            (&["averylongname send", "l send"], "send averylongname;l"),
            (&["h recv", "l recv"], "send h;l"),
        ] {
            assert!(layers(rids, simulcast).is_empty(), "{simulcast}");
        }
        assert!(Gathered::default().finish().is_empty());
    }

    #[test]
    fn no_more_layers_than_may_be() {
        let rids: Vec<String> = (0..20).map(|i| format!("{i} send")).collect();
        let rids: Vec<&str> = rids.iter().map(String::as_str).collect();
        assert_eq!(layers(&rids, "send 0;1;2;3;4;5;6"), ["3", "2", "1", "0"]);
    }
}
