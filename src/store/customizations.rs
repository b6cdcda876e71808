//! What companies make their own: mails and pages, and fields of metadata.

use sqlx::FromRow;

use super::{entity::entity, json::Json, text::MetadataStatus};
use crate::{
    ids::{AnyId, CompanyId, GroupId, ProjectId},
    time::Millis,
};

/// Something of the product that a company has made its own, for all of it, a production or a
/// folder.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct CustomizationRow {
    /// Its id.
    pub id: AnyId,
    /// Whose it is.
    pub company_id: CompanyId,
    /// The production that it is for.
    pub production_id: Option<GroupId>,
    /// The folder that it is for.
    pub project_id: Option<ProjectId>,
    /// The domain of the links in it.
    pub email_domain_id: Option<AnyId>,
    /// What it is.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// What is in it, in base64.
    pub data: String,
    /// When it was created.
    pub created: Millis,
    /// When it was last changed.
    pub modified: Millis,
}

entity!("customizations", CustomizationRow, AnyId, {
    company_id "company_id" "$2",
    production_id "production_id" "$3",
    project_id "project_id" "$4",
    email_domain_id "email_domain_id" "$5",
    kind "kind" "$6",
    name "name" "$7",
    description "description" "$8",
    data "data" "$9",
    created "created" "$10",
    modified "modified" "$11",
});

/// Fields of metadata that a company has beside the usual ones.
pub mod metadata {
    use super::{AnyId, CompanyId, FromRow, Json, MetadataStatus, Millis, entity};

    /// A field of metadata.
    #[derive(Debug, Clone, PartialEq, FromRow)]
    pub struct CustomMetadataRow {
        /// Its id.
        pub id: AnyId,
        /// Whose it is.
        pub company_id: CompanyId,
        /// Its name.
        pub name: String,
        /// Free text.
        pub description: Option<String>,
        /// The values it may have; any, if there are none.
        pub options: Json<Vec<serde_json::Value>>,
        /// Whether clients sort the options.
        pub sortable: bool,
        /// Where it is in its life.
        pub status: MetadataStatus,
        /// When it was created.
        pub created: Millis,
    }

    entity!("custom_metadata", CustomMetadataRow, AnyId, {
        company_id "company_id" "$2",
        name "name" "$3",
        description "description" "$4",
        options "options" "$5",
        sortable "sortable" "$6",
        status "status" "$7",
        created "created" "$8",
    });
}
