//! The lists that have nothing of their own: a page info and edges, under the names that clients
//! know.

use async_graphql::{OutputType, SimpleObject};
use ilp_store::Rows;

use super::{
    fee::Fee,
    incoming_payment::IncomingPayment,
    outgoing_payment::OutgoingPayment,
    page::{self, PageInfo, Row},
    payment::Payment,
    quote::Quote,
    wallet_address::WalletAddress,
};

/// A page of a list.
#[derive(SimpleObject)]
#[graphql(
    concrete(name = "WalletAddressesConnection", params(WalletAddress)),
    concrete(name = "IncomingPaymentConnection", params(IncomingPayment)),
    concrete(name = "QuoteConnection", params(Quote)),
    concrete(name = "OutgoingPaymentConnection", params(OutgoingPayment)),
    concrete(name = "PaymentConnection", params(Payment)),
    concrete(name = "FeesConnection", params(Fee))
)]
pub(crate) struct Connection<Node: OutputType>
where
    Edge<Node>: OutputType,
{
    /// The position of the page in the list.
    page_info: PageInfo,
    /// The rows of the page.
    edges: Vec<Edge<Node>>,
}

/// A row of a list.
#[derive(SimpleObject)]
#[graphql(
    concrete(name = "WalletAddressEdge", params(WalletAddress)),
    concrete(name = "IncomingPaymentEdge", params(IncomingPayment)),
    concrete(name = "QuoteEdge", params(Quote)),
    concrete(name = "OutgoingPaymentEdge", params(OutgoingPayment)),
    concrete(name = "PaymentEdge", params(Payment)),
    concrete(name = "FeeEdge", params(Fee))
)]
pub(crate) struct Edge<Node: OutputType> {
    /// The row.
    node: Node,
    /// The cursor of this place in the list.
    cursor: String,
}

impl<View, Node: Row + From<View>> From<Rows<View>> for Connection<Node>
where
    Edge<Node>: OutputType,
{
    fn from(rows: Rows<View>) -> Self {
        let (page_info, rows) = page::page(rows);
        Self { page_info, edges: rows.map(|(cursor, node)| Edge { node, cursor }).collect() }
    }
}
