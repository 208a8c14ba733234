//! The component around a [`crate::Policy`]; natively there is none.

/// Makes the component that the host loads out of a [`Policy`].
#[macro_export]
macro_rules! export_policy {
    ($policy:ident) => {
        #[cfg(target_family = "wasm")]
        mod exported {
            use super::*;
            use std::cell::RefCell;
            use $crate::bindings::exports::promweave::merge::policy as contract;

            struct Component;

            thread_local! {
                static POLICY: RefCell<Option<$policy>> = const { RefCell::new(None) };
            }

            impl contract::Guest for Component {
                fn describe() -> contract::Description {
                    $crate::component::describe::<$policy>()
                }

                fn configure(settings: String) -> Result<contract::Terms, String> {
                    let (policy, terms) = $crate::component::configure(&settings)?;
                    POLICY.set(Some(policy));
                    Ok(terms)
                }

                fn plan(batch: contract::Batch) -> Result<contract::Decision, String> {
                    POLICY.with_borrow(|policy| match policy {
                        Some(policy) => Ok($crate::component::plan(policy, &batch)),
                        None => Err("asked before it was configured".to_owned()),
                    })
                }
            }

            $crate::bindings::export!(Component with_types_in $crate::bindings);
        }
    };
}
