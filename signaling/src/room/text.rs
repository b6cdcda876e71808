//! A client's own text, as far as it is one that says what the state of a room says.

use rushes_sessions::{AssetId, Frame};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is understood of a client's own text: of a JSON object the members that are named and have
/// the form as in [`super::StateBody`], whatever others there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AssetStateBody {
    /// What to show.
    pub asset_id: Option<AssetId>,
    /// Where in it.
    pub frame: Option<Frame>,
    /// Whether it plays.
    pub playing: Option<bool>,
}

impl AssetStateBody {
    /// What a text says; nothing where it is no such object, or one of the members has another form.
    pub fn of(text: &str) -> Self {
        // By way of a map: serde would take an array for a struct, too.
        let members = serde_json::from_str::<Map<String, Value>>(text);
        members.and_then(|members| Self::deserialize(Value::from(members))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_as_in_the_state_is_understood_and_all_else_is_not() {
        let id = "0000000000000000000000000000000a";
        let text =
            format!("{{\"asset_id\": \"{id}\", \"frame\": 12, \"playing\": true, \"zoom\": 2}}");
        let (asset_id, frame) = (Some(AssetId(10)), Some(Frame(12)));
        let all = AssetStateBody { asset_id, frame, playing: Some(true) };
        assert_eq!(AssetStateBody::of(&text), all);
        let frame = AssetStateBody { frame, ..AssetStateBody::default() };
        assert_eq!(AssetStateBody::of("{\"frame\": 12, \"playing\": null}"), frame);
        let strange =
            ["", "12", "[]", "[null, 12, true]", "{\"frame\": \"12\"}", "{\"frame\": 1.5}"];
        for text in strange.into_iter().chain(["{\"asset_id\": \"a\", \"frame\": 12}"]) {
            assert_eq!(AssetStateBody::of(text), AssetStateBody::default(), "{text}");
        }
    }
}
