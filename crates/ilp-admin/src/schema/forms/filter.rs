//! Filters of lists.

use async_graphql::InputObject;
use ilp_store::TextFilter;

/// A filter by text. An empty list counts as one that is left out.
#[derive(Default, InputObject)]
pub(crate) struct FilterString {
    /// Only rows with these texts.
    #[graphql(name = "in")]
    pub(crate) only: Option<Vec<String>>,
    /// All rows but those with these texts.
    pub(crate) not_in: Option<Vec<String>>,
}

impl FilterString {
    /// The filter in the store's terms; one that was left out lets everything through.
    pub(crate) fn read(given: Option<Self>) -> TextFilter {
        let Self { only, not_in } = given.unwrap_or_default();
        TextFilter {
            only: only.filter(|texts| !texts.is_empty()),
            except: not_in.unwrap_or_default(),
        }
    }
}
