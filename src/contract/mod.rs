//! The contract as data: which endpoints exist, what they take, and what they answer.
//!
//! [`table`](ENDPOINTS) and [`errors`] are generated from `contract/` (see its README).

#[rustfmt::skip]
pub mod errors;
#[cfg(test)]
mod generate;
#[rustfmt::skip]
mod table;

pub use table::{ENDPOINTS, EVENTS};

/// The type of a parameter or of a response field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// An opaque identifier.
    Id,
    /// An opaque identifier, or the UUID that a client chose for the thing.
    IdOrUuid,
    /// A list of identifiers.
    IdArray,
    /// A text.
    String,
    /// A list of texts.
    StringArray,
    /// A whole number that fits in 64 bits.
    Integer,
    /// A number.
    Float,
    /// True or false.
    Boolean,
    /// An ISO 8601 date.
    Date,
    /// One of a few texts.
    Enum,
    /// An object of any shape.
    Object,
    /// A list of anything.
    Array,
}

/// A form that a text must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// An e-mail address.
    Email,
    /// `#RGB`, `#RRGGBB` or `#RRGGBBAA`.
    HexColor,
}

/// A parameter of a request.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// Whether it must be there and not null.
    pub required: bool,
    /// The values it may have, if there are only some.
    pub values: &'static [&'static str],
    /// The least number of characters.
    pub min: Option<usize>,
    /// The greatest number of characters.
    pub max: Option<usize>,
    /// The form it must have.
    pub format: Option<Format>,
    /// Whether HTML tags are refused.
    pub no_html: bool,
    /// Whether template braces are refused.
    pub no_template: bool,
}

/// A field of a response.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// The values it may have, if there are only some.
    pub values: &'static [&'static str],
}

/// One endpoint of the API.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// Its path, beginning with a slash.
    pub path: &'static str,
    /// The category it is documented under.
    pub category: &'static str,
    /// Whether it needs a token.
    pub token: bool,
    /// Whether the answer is a list.
    pub array: bool,
    /// Whether parameters beyond these are taken.
    pub free_request: bool,
    /// Whether fields beyond these are answered.
    pub free_response: bool,
    /// What it takes.
    pub request: &'static [Param],
    /// What it answers, or what each element of the answer has.
    pub response: &'static [Field],
}

/// The endpoint at `path`, if there is one.
#[must_use]
pub fn find(path: &str) -> Option<&'static Endpoint> {
    ENDPOINTS.binary_search_by(|row| row.path.cmp(path)).ok().map(|at| &ENDPOINTS[at])
}

/// The words that the generated table is written in.
mod words {
    use super::{Field, Format, Param, Type};

    pub(super) const fn p(name: &'static str, ty: Type) -> Param {
        Param {
            name,
            ty,
            required: false,
            values: &[],
            min: None,
            max: None,
            format: None,
            no_html: false,
            no_template: false,
        }
    }

    pub(super) const fn f(name: &'static str, ty: Type) -> Field {
        Field { name, ty, values: &[] }
    }

    impl Field {
        pub(super) const fn of(mut self, values: &'static [&'static str]) -> Self {
            self.values = values;
            self
        }
    }

    impl Param {
        pub(super) const fn must(mut self) -> Self {
            self.required = true;
            self
        }
        pub(super) const fn of(mut self, values: &'static [&'static str]) -> Self {
            self.values = values;
            self
        }
        pub(super) const fn min(mut self, characters: usize) -> Self {
            self.min = Some(characters);
            self
        }
        pub(super) const fn max(mut self, characters: usize) -> Self {
            self.max = Some(characters);
            self
        }
        pub(super) const fn email(mut self) -> Self {
            self.format = Some(Format::Email);
            self
        }
        pub(super) const fn color(mut self) -> Self {
            self.format = Some(Format::HexColor);
            self
        }
        pub(super) const fn text(mut self) -> Self {
            self.no_html = true;
            self.no_template = true;
            self
        }
    }
}
