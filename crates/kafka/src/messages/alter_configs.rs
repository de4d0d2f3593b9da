//! `AlterConfigs` (33), versions 0 to 2, and `IncrementalAlterConfigs` (44), versions 0 to 1: read far
//! enough to refuse every resource by its name. Both have the same answer.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::{NamedConfig, message},
};

message!(AlterConfigs: AlterConfigsRequest<'a>, AlterConfigsResponse<'a>);
message!(
    IncrementalAlterConfigs: IncrementalAlterConfigsRequest<'a>,
    IncrementalAlterConfigsResponse<'a>
);

/// Asks to replace all settings of resources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlterConfigsRequest<'a> {
    /// The resources.
    pub resources: Vec<AlterConfigsResource<'a>>,
    /// Whether to say only what would happen.
    pub validate_only: bool,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlterConfigsResource<'a> {
    /// One of the `RESOURCE_` constants of [`crate::messages`].
    pub resource_type: i8,
    /// Its name.
    pub resource_name: &'a str,
    /// Its settings.
    pub configs: Vec<NamedConfig<'a>>,
}

/// Says which resources were changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlterConfigsResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// One per resource.
    pub responses: Vec<AlteredConfigs<'a>>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlteredConfigs<'a> {
    /// Why it was not changed.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
    /// As asked for.
    pub resource_type: i8,
    /// As asked for.
    pub resource_name: &'a str,
}

/// Asks to change single settings of resources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncrementalAlterConfigsRequest<'a> {
    /// The resources.
    pub resources: Vec<IncrementalResource<'a>>,
    /// Whether to say only what would happen.
    pub validate_only: bool,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncrementalResource<'a> {
    /// One of the `RESOURCE_` constants of [`crate::messages`].
    pub resource_type: i8,
    /// Its name.
    pub resource_name: &'a str,
    /// What to change.
    pub configs: Vec<IncrementalConfig<'a>>,
}

/// One change of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncrementalConfig<'a> {
    /// Its name.
    pub name: &'a str,
    /// 0 set, 1 delete, 2 append, 3 take away.
    pub config_operation: i8,
    /// The value.
    pub value: Option<&'a str>,
}

/// Says which resources were changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncrementalAlterConfigsResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// One per resource.
    pub responses: Vec<AlteredConfigs<'a>>,
}

impl<'a> Wire<'a> for AlterConfigsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.resources)?;
        coder.field(&mut self.validate_only)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for AlterConfigsResource<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.resource_type)?;
        coder.field(&mut self.resource_name)?;
        coder.field(&mut self.configs)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for AlterConfigsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.responses)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for AlteredConfigs<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.field(&mut self.resource_type)?;
        coder.field(&mut self.resource_name)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for IncrementalAlterConfigsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.resources)?;
        coder.field(&mut self.validate_only)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for IncrementalResource<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.resource_type)?;
        coder.field(&mut self.resource_name)?;
        coder.field(&mut self.configs)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for IncrementalConfig<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.config_operation)?;
        coder.field(&mut self.value)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for IncrementalAlterConfigsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.responses)?;
        coder.tags()
    }
}
