use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn data_round_trips(received in any::<u64>(), maximum in any::<u64>()) {
        let details = AmountTooLarge { received, maximum };
        let data = details.to_data();
        prop_assert_eq!(&data[..8], &received.to_be_bytes());
        prop_assert_eq!(&data[8..], &maximum.to_be_bytes());
        prop_assert_eq!(AmountTooLarge::from_data(&data), Some(details));
        prop_assert_eq!(AmountTooLarge::from_data(&data[..15]), None);
        let longer = [&data[..], &[1]].concat();
        prop_assert_eq!(AmountTooLarge::from_data(&longer), Some(details));
    }
}
