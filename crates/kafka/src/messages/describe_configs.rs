//! `DescribeConfigs` (32), versions 0 to 4: the settings of a topic or of the broker.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(DescribeConfigs: DescribeConfigsRequest<'a>, DescribeConfigsResponse<'a>);

/// Asks for settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribeConfigsRequest<'a> {
    /// Whose.
    pub resources: Vec<DescribeConfigsResource<'a>>,
    /// Whether to say where a value would come from otherwise, since version 1.
    pub include_synonyms: bool,
    /// Whether to explain, since version 3.
    pub include_documentation: bool,
}

/// Something that has settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribeConfigsResource<'a> {
    /// One of the `RESOURCE_` constants of [`crate::messages`].
    pub resource_type: i8,
    /// Its name: of a broker, its number.
    pub resource_name: &'a str,
    /// Which settings; `None` asks for all.
    pub configuration_keys: Option<Vec<&'a str>>,
}

/// Answers settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribeConfigsResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// One per resource asked for.
    pub results: Vec<DescribedConfigs<'a>>,
}

/// The settings of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribedConfigs<'a> {
    /// Why there are none.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
    /// As asked for.
    pub resource_type: i8,
    /// As asked for.
    pub resource_name: &'a str,
    /// The settings.
    pub configs: Vec<ConfigEntry<'a>>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigEntry<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value; `None` if it is a secret or not set.
    pub value: Option<&'a str>,
    /// Whether it cannot be changed.
    pub read_only: bool,
    /// Whether nobody has set it; in version 0 only.
    pub is_default: bool,
    /// Where it comes from, since version 1: 1 set for the topic, 4 of the broker's file, 5 the default.
    pub config_source: i8,
    /// Whether it is a secret.
    pub is_sensitive: bool,
    /// Where it would come from otherwise, since version 1.
    pub synonyms: Vec<ConfigSynonym<'a>>,
    /// What the value is, since version 3: 1 yes or no, 2 text, 3 a number, 5 a long number, 7 a list.
    pub config_type: i8,
    /// What it is for, since version 3.
    pub documentation: Option<&'a str>,
}

/// Where a setting would come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigSynonym<'a> {
    /// Its name there.
    pub name: &'a str,
    /// Its value there.
    pub value: Option<&'a str>,
    /// As [`ConfigEntry::config_source`].
    pub source: i8,
}

impl Default for ConfigEntry<'_> {
    fn default() -> Self {
        Self {
            name: "",
            value: None,
            read_only: false,
            is_default: false,
            config_source: -1,
            is_sensitive: false,
            synonyms: Vec::new(),
            config_type: 0,
            documentation: None,
        }
    }
}

impl<'a> Wire<'a> for DescribeConfigsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.resources)?;
        coder.since(1, &mut self.include_synonyms)?;
        coder.since(3, &mut self.include_documentation)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribeConfigsResource<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.resource_type)?;
        coder.field(&mut self.resource_name)?;
        coder.field(&mut self.configuration_keys)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribeConfigsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.results)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribedConfigs<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.field(&mut self.resource_type)?;
        coder.field(&mut self.resource_name)?;
        coder.field(&mut self.configs)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ConfigEntry<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.value)?;
        coder.field(&mut self.read_only)?;
        coder.until(0, &mut self.is_default)?;
        coder.since(1, &mut self.config_source)?;
        coder.field(&mut self.is_sensitive)?;
        coder.since(1, &mut self.synonyms)?;
        coder.since(3, &mut self.config_type)?;
        coder.since(3, &mut self.documentation)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ConfigSynonym<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.value)?;
        coder.field(&mut self.source)?;
        coder.tags()
    }
}
