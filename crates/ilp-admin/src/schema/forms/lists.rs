//! The lists that have nothing of their own: a page info and edges, under the names that clients
//! know.

use std::borrow::Cow;

use async_graphql::{OutputType, SimpleObject, TypeName};
use ilp_store::Rows;

use super::page::{self, PageInfo, Row};

/// A type of rows, with the names that its lists have in the schema.
pub(crate) trait Listed: OutputType {
    /// The name of a page, such as `QuoteConnection`.
    const CONNECTION: &'static str;
    /// The name of a row with its cursor, such as `QuoteEdge`.
    const EDGE: &'static str;
}

/// A page of a list.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub(crate) struct Connection<Node: Listed> {
    /// The position of the page in the list.
    page_info: PageInfo,
    /// The rows of the page.
    edges: Vec<Edge<Node>>,
}

/// A row of a list.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub(crate) struct Edge<Node: Listed> {
    /// The row.
    node: Node,
    /// The cursor of this place in the list.
    cursor: String,
}

impl<Node: Listed> TypeName for Connection<Node> {
    fn type_name() -> Cow<'static, str> {
        Node::CONNECTION.into()
    }
}

impl<Node: Listed> TypeName for Edge<Node> {
    fn type_name() -> Cow<'static, str> {
        Node::EDGE.into()
    }
}

impl<View, Node: Listed + Row + From<View>> From<Rows<View>> for Connection<Node> {
    fn from(rows: Rows<View>) -> Self {
        let (page_info, rows) = page::page(rows);
        Self { page_info, edges: rows.map(|(cursor, node)| Edge { node, cursor }).collect() }
    }
}
