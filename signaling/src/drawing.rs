//! The wire form of drawing and pointing.
//!
//! Points are written as one flat list, `[x, y, x, y, …]`, in parts of 10,000 of the picture's
//! width and height.

use rushes_sessions::{
    AssetId, Draw, Drawn, Erase, Frame, MAX_PART_POINTS, Pen, Place, Point, Pointer, RoomId,
    Stroke, StrokePart, UserId,
};
use serde::{Deserialize, Serialize};

/// The event type of what is drawn.
pub const STROKES: &str = "REVIEW_SESSION_STROKES";
/// The event type of where people point.
pub const POINTERS: &str = "REVIEW_SESSION_POINTERS";
/// The event type of strokes that are gone.
pub const ERASED: &str = "REVIEW_SESSION_STROKES_ERASED";
/// The event type of strokes that were kept as a comment.
pub const KEPT: &str = "REVIEW_SESSION_STROKES_KEPT";

/// Why a request is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDrawing {
    /// The points are no pairs.
    #[error("points are a list of pairs, x and y, not more than 512 of them")]
    Points,
    /// There is no such pen.
    #[error("color is #RRGGBB, and width lies in 10..1000")]
    Pen,
    /// Nobody said what shall go.
    #[error("either stroke_ids or whose")]
    Which,
}

/// A part of a stroke.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[allow(missing_docs)] // The fields are those of `rushes_sessions::Draw`.
pub struct DrawRequest {
    pub id: RoomId,
    pub stroke_id: String,
    pub asset_id: AssetId,
    pub frame: Option<Frame>,
    /// `#RRGGBB`.
    pub color: String,
    pub width: u16,
    pub from: usize,
    pub points: Vec<u16>,
    #[serde(default)]
    pub done: bool,
}

impl DrawRequest {
    /// The part that is meant.
    pub fn into_draw(self) -> Result<Draw, BadDrawing> {
        let pairs = self.points.chunks_exact(2);
        if !pairs.remainder().is_empty() || pairs.len() > MAX_PART_POINTS {
            return Err(BadDrawing::Points);
        }
        let points = pairs.map(|pair| Point(pair[0], pair[1])).collect();
        let color = color_of(&self.color).ok_or(BadDrawing::Pen)?;
        let pen = Pen::new(color, self.width).ok_or(BadDrawing::Pen)?;
        let on = Place { asset: self.asset_id, frame: self.frame };
        Ok(Draw { id: self.stroke_id, on, pen, from: self.from, points, done: self.done })
    }
}

fn color_of(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    hex.then(|| u32::from_str_radix(digits, 16).ok())?
}

/// The answer to a part.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct DrawnBody {
    /// The stroke.
    pub stroke_id: String,
    /// How many of its points are known: the next part begins there.
    pub points: usize,
}

impl DrawnBody {
    /// What is said of a part that was taken.
    pub fn new(stroke_id: String, drawn: Drawn) -> DrawnBody {
        DrawnBody { stroke_id, points: drawn.points }
    }
}

/// Where somebody points.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct PointRequest {
    /// The room.
    pub id: RoomId,
    /// The asset that they point at.
    pub asset_id: AssetId,
    /// From its left; neither is there when they stop.
    pub x: Option<u16>,
    /// From its top.
    pub y: Option<u16>,
}

impl From<&PointRequest> for Pointer {
    fn from(request: &PointRequest) -> Pointer {
        let at = request.x.zip(request.y).map(|(x, y)| Point(x, y));
        Pointer { asset: request.asset_id, at }
    }
}

/// Whose strokes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Whose {
    /// One's own.
    Own,
    /// Everybody's. Hosts only.
    All,
}

/// Which strokes shall go.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct EraseRequest {
    /// The room.
    pub id: RoomId,
    /// These.
    pub stroke_ids: Option<Vec<String>>,
    /// Or all of these people.
    pub whose: Option<Whose>,
    /// On this asset alone.
    pub asset_id: Option<AssetId>,
    /// And this frame of it, where it is a clip.
    pub frame: Option<Frame>,
}

impl EraseRequest {
    /// What is meant.
    pub fn into_erase(self) -> Result<Erase, BadDrawing> {
        let on = self.asset_id.map(|asset| Place { asset, frame: self.frame });
        match (self.stroke_ids, self.whose) {
            (Some(ids), None) => Ok(Erase::Named(ids)),
            (None, Some(Whose::Own)) => Ok(Erase::Own(on)),
            (None, Some(Whose::All)) => Ok(Erase::All(on)),
            _ => Err(BadDrawing::Which),
        }
    }
}

/// A wish to keep what is drawn on a frame as a comment.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct KeepRequest {
    /// The room.
    pub id: RoomId,
    /// The client's own name for it: asked again by the same, there is no second comment.
    pub cmd_id: String,
    /// The asset.
    pub asset_id: AssetId,
    /// Its frame, where it is a clip.
    pub frame: Option<Frame>,
    /// What is written beside it.
    #[serde(default)]
    pub text: String,
}

/// A stroke, or a part of one.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[allow(missing_docs)] // The fields are those of `rushes_sessions::StrokePart`.
pub struct StrokeBody {
    pub stroke_id: String,
    pub user_id: UserId,
    pub asset_id: AssetId,
    pub frame: Option<Frame>,
    pub color: String,
    pub width: u16,
    pub from: usize,
    pub points: Vec<u16>,
    pub done: bool,
    pub kept: bool,
}

impl StrokeBody {
    /// A stroke from its `from`th point on.
    pub fn new(stroke: &Stroke, from: usize) -> StrokeBody {
        StrokeBody {
            stroke_id: stroke.id.clone(),
            user_id: stroke.by,
            asset_id: stroke.on.asset,
            frame: stroke.on.frame,
            color: color_text(stroke.pen.color),
            width: stroke.pen.width,
            from,
            points: stroke.points.iter().flat_map(|point| [point.0, point.1]).collect(),
            done: stroke.done,
            kept: stroke.kept,
        }
    }
}

fn color_text(color: u32) -> String {
    format!("#{color:06X}")
}

impl From<&StrokePart> for StrokeBody {
    fn from(part: &StrokePart) -> StrokeBody {
        StrokeBody::new(&part.stroke, part.from)
    }
}

/// What [`STROKES`] says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct StrokesEvent {
    /// The room.
    pub id: RoomId,
    /// Whether these are all that there are, for one who has just come.
    pub whole: bool,
    /// The strokes, or parts of them, in order.
    pub strokes: Vec<StrokeBody>,
}

/// Where one person points.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[allow(missing_docs)] // The fields are those of `rushes_sessions::Pointer`.
pub struct PointerBody {
    pub user_id: UserId,
    pub asset_id: AssetId,
    pub x: Option<u16>,
    pub y: Option<u16>,
}

impl From<&(UserId, Pointer)> for PointerBody {
    fn from((user_id, pointer): &(UserId, Pointer)) -> PointerBody {
        PointerBody {
            user_id: *user_id,
            asset_id: pointer.asset,
            x: pointer.at.map(|at| at.0),
            y: pointer.at.map(|at| at.1),
        }
    }
}

/// What [`POINTERS`] says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct PointersEvent {
    /// The room.
    pub id: RoomId,
    /// Who points where.
    pub pointers: Vec<PointerBody>,
}

/// What [`ERASED`] says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ErasedEvent {
    /// The room.
    pub id: RoomId,
    /// The strokes that are gone.
    pub stroke_ids: Vec<String>,
    /// Who took them away.
    pub by: Option<UserId>,
}

/// What [`KEPT`] says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct KeptEvent {
    /// The room.
    pub id: RoomId,
    /// The comment.
    pub comment_id: String,
    /// The strokes that are in it.
    pub stroke_ids: Vec<String>,
    /// Who kept them.
    pub by: UserId,
}

/// A kept drawing: what `drawing_data` of a comment holds as JSON.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Drawing {
    /// The form of the rest: 1.
    pub version: u32,
    /// In how many parts the width and the height of the picture are counted.
    pub scale: u16,
    /// The strokes in their order.
    pub strokes: Vec<DrawingStroke>,
}

/// A stroke of a kept drawing.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct DrawingStroke {
    /// What it was called in the room.
    pub stroke_id: String,
    /// Who drew it.
    pub user_id: UserId,
    /// `#RRGGBB`.
    pub color: String,
    /// In parts of the picture's height.
    pub width: u16,
    /// `[x, y, x, y, …]`.
    pub points: Vec<u16>,
}

impl Drawing {
    /// The drawing that strokes are together.
    pub fn new<'a>(strokes: impl IntoIterator<Item = &'a Stroke>) -> Drawing {
        let strokes = strokes.into_iter().map(|stroke| StrokeBody::new(stroke, 0));
        let strokes =
            strokes.map(|StrokeBody { stroke_id, user_id, color, width, points, .. }| {
                DrawingStroke { stroke_id, user_id, color, width, points }
            });
        Drawing { version: 1, scale: rushes_sessions::SCALE, strokes: strokes.collect() }
    }

    /// The drawing as SVG over a picture of this size in pixels, from what was checked when it
    /// was drawn; what is no drawing of this form gives nothing.
    pub fn to_svg(&self, width: u32, height: u32) -> String {
        let scale = f64::from(self.scale.max(1));
        let (w, h) = (f64::from(width), f64::from(height));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             fill=\"none\" stroke-linecap=\"round\" stroke-linejoin=\"round\">"
        );
        for stroke in &self.strokes {
            let Some(color) = color_of(&stroke.color) else { continue };
            let points = stroke.points.chunks_exact(2);
            let points = points.map(|p| (f64::from(p[0]) / scale * w, f64::from(p[1]) / scale * h));
            let path: Vec<String> = points.map(|(x, y)| format!("{x:.2} {y:.2}")).collect();
            let Some(first) = path.first() else { continue };
            // A dot is a line to where it begins, which round ends make visible.
            let rest = if path.len() == 1 { first.clone() } else { path[1..].join(" L") };
            let line = f64::from(stroke.width) / scale * h;
            let color = color_text(color);
            svg.push_str(&format!(
                "<path stroke=\"{color}\" stroke-width=\"{line:.2}\" d=\"M{first} L{rest}\"/>"
            ));
        }
        svg.push_str("</svg>");
        svg
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn draw(more: Value) -> Result<Draw, BadDrawing> {
        let mut body = json!({
            "id": RoomId(1), "stroke_id": "s", "asset_id": AssetId(7), "frame": 5,
            "color": "#ff8800", "width": 40, "from": 0, "points": [1, 2, 3, 4],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value::<DrawRequest>(body).unwrap().into_draw()
    }

    #[test]
    fn a_part_is_read_and_written_the_same() {
        let part = draw(json!({ "done": true })).unwrap();
        assert_eq!(part.points, [Point(1, 2), Point(3, 4)]);
        assert_eq!((part.pen.color, part.done), (0xff_88_00, true));
        let stroke = Stroke {
            id: part.id,
            by: UserId(3),
            on: part.on,
            pen: part.pen,
            points: part.points,
            done: true,
            kept: false,
        };
        let body = json!(StrokeBody::from(&StrokePart { from: 9, stroke }));
        let parts = ["color", "points", "from", "frame"].map(|part| body[part].clone());
        assert_eq!(parts, [json!("#FF8800"), json!([1, 2, 3, 4]), json!(9), json!(5)]);
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        for (more, error) in [
            (json!({ "points": [1, 2, 3] }), BadDrawing::Points),
            (json!({ "points": vec![1; 1026] }), BadDrawing::Points),
            (json!({ "color": "red" }), BadDrawing::Pen),
            (json!({ "color": "#ff88000" }), BadDrawing::Pen),
            (json!({ "color": "#+f8800" }), BadDrawing::Pen),
            (json!({ "width": 1 }), BadDrawing::Pen),
        ] {
            assert_eq!(draw(more.clone()), Err(error), "{more}");
        }
        for more in [json!({}), json!({ "stroke_ids": [], "whose": "ALL" })] {
            let mut body = json!({ "id": RoomId(1) });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let request: EraseRequest = serde_json::from_value(body).unwrap();
            assert_eq!(request.into_erase(), Err(BadDrawing::Which));
        }
    }

    #[test]
    fn a_drawing_is_svg_and_nothing_that_was_put_into_it() {
        let drawing = json!({ "version": 1, "scale": 10_000, "strokes": [
            { "stroke_id": "s", "user_id": UserId(1), "color": "#FF0000", "width": 100, "points": [0, 0, 5000, 10_000] },
            { "stroke_id": "s", "user_id": UserId(1), "color": "#00FF00", "width": 100, "points": [5000, 5000] },
            { "stroke_id": "s", "user_id": UserId(1), "color": "\"/><script>", "width": 1, "points": [1, 1] },
            { "stroke_id": "s", "user_id": UserId(1), "color": "#0000FF", "width": 1, "points": [] },
        ]});
        let drawing: Drawing = serde_json::from_value(drawing).unwrap();
        let svg = drawing.to_svg(1920, 1080);
        assert!(
            svg.contains(
                "<path stroke=\"#FF0000\" stroke-width=\"10.80\" d=\"M0.00 0.00 L960.00 1080.00\"/>"
            ),
            "{svg}"
        );
        assert!(svg.contains("d=\"M960.00 540.00 L960.00 540.00\""), "{svg}");
        assert_eq!((svg.matches("<path").count(), svg.contains("script")), (2, false));
    }
}
