//! `DescribeAcls` (29), `CreateAcls` (30) and `DeleteAcls` (31), versions 0 to 3 each: read far enough to
//! refuse them.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(DescribeAcls: DescribeAclsRequest<'a>, DescribeAclsResponse<'a>);
message!(CreateAcls: CreateAclsRequest<'a>, CreateAclsResponse<'a>);
message!(DeleteAcls: DeleteAclsRequest<'a>, DeleteAclsResponse<'a>);

/// [`AclFilter::pattern_type`] and [`Acl::pattern_type`] of version 0: the name is meant as it is.
const PATTERN_LITERAL: i8 = 3;

/// Asks for rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribeAclsRequest<'a> {
    /// Which.
    pub filter: AclFilter<'a>,
}

/// Which rules are meant. What is `None` matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclFilter<'a> {
    /// Kind of what is ruled.
    pub resource_type: i8,
    /// Its name.
    pub resource_name: Option<&'a str>,
    /// How the name is meant, since version 1.
    pub pattern_type: i8,
    /// Whom it rules.
    pub principal: Option<&'a str>,
    /// From where.
    pub host: Option<&'a str>,
    /// What may be done.
    pub operation: i8,
    /// Whether it may be done or not.
    pub permission_type: i8,
}

/// Answers rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribeAclsResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// Why there is no answer.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
    /// The rules, by what they rule.
    pub resources: Vec<AclResource<'a>>,
}

/// Something that is ruled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclResource<'a> {
    /// Its kind.
    pub resource_type: i8,
    /// Its name.
    pub resource_name: &'a str,
    /// How the name is meant, since version 1.
    pub pattern_type: i8,
    /// Its rules.
    pub acls: Vec<AclDescription<'a>>,
}

/// One rule without what it rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AclDescription<'a> {
    /// Whom it rules.
    pub principal: &'a str,
    /// From where.
    pub host: &'a str,
    /// What may be done.
    pub operation: i8,
    /// Whether it may be done or not.
    pub permission_type: i8,
}

/// Asks to make rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreateAclsRequest<'a> {
    /// The rules.
    pub creations: Vec<Acl<'a>>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl<'a> {
    /// Kind of what is ruled.
    pub resource_type: i8,
    /// Its name.
    pub resource_name: &'a str,
    /// How the name is meant, since version 1.
    pub pattern_type: i8,
    /// Whom it rules.
    pub principal: &'a str,
    /// From where.
    pub host: &'a str,
    /// What may be done.
    pub operation: i8,
    /// Whether it may be done or not.
    pub permission_type: i8,
}

/// Says which rules were made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreateAclsResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// One per rule.
    pub results: Vec<CreatedAcl<'a>>,
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreatedAcl<'a> {
    /// Why it was not made.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
}

/// Asks to delete rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteAclsRequest<'a> {
    /// Which.
    pub filters: Vec<AclFilter<'a>>,
}

/// Says which rules were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteAclsResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// One per filter.
    pub filter_results: Vec<DeletedAcls<'a>>,
}

/// What became of the rules of one filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeletedAcls<'a> {
    /// Why none was deleted.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
    /// The rules that it matches.
    pub matching_acls: Vec<MatchingAcl<'a>>,
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchingAcl<'a> {
    /// Why it was not deleted.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
    /// The rule.
    pub acl: Acl<'a>,
}

impl Default for AclFilter<'_> {
    fn default() -> Self {
        Self {
            resource_type: 0,
            resource_name: None,
            pattern_type: PATTERN_LITERAL,
            principal: None,
            host: None,
            operation: 0,
            permission_type: 0,
        }
    }
}

impl Default for AclResource<'_> {
    fn default() -> Self {
        Self {
            resource_type: 0,
            resource_name: "",
            pattern_type: PATTERN_LITERAL,
            acls: Vec::new(),
        }
    }
}

impl Default for Acl<'_> {
    fn default() -> Self {
        Self {
            resource_type: 0,
            resource_name: "",
            pattern_type: PATTERN_LITERAL,
            principal: "",
            host: "",
            operation: 0,
            permission_type: 0,
        }
    }
}

/// The request is its filter.
impl<'a> Wire<'a> for DescribeAclsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.filter)
    }
}

impl<'a> Wire<'a> for AclFilter<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.resource_type)?;
        coder.field(&mut self.resource_name)?;
        coder.since(1, &mut self.pattern_type)?;
        coder.field(&mut self.principal)?;
        coder.field(&mut self.host)?;
        coder.field(&mut self.operation)?;
        coder.field(&mut self.permission_type)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribeAclsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.field(&mut self.resources)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for AclResource<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.resource_type)?;
        coder.field(&mut self.resource_name)?;
        coder.since(1, &mut self.pattern_type)?;
        coder.field(&mut self.acls)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for AclDescription<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.principal)?;
        coder.field(&mut self.host)?;
        coder.field(&mut self.operation)?;
        coder.field(&mut self.permission_type)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CreateAclsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.creations)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for Acl<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.resource_type)?;
        coder.field(&mut self.resource_name)?;
        coder.since(1, &mut self.pattern_type)?;
        coder.field(&mut self.principal)?;
        coder.field(&mut self.host)?;
        coder.field(&mut self.operation)?;
        coder.field(&mut self.permission_type)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CreateAclsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.results)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CreatedAcl<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeleteAclsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.filters)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeleteAclsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.filter_results)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeletedAcls<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.field(&mut self.matching_acls)?;
        coder.tags()
    }
}

/// The rule ends the structure, its tagged fields are those of the whole.
impl<'a> Wire<'a> for MatchingAcl<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.field(&mut self.acl)
    }
}
