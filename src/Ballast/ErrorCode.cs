namespace Ballast;

/// <summary>
/// Error codes: libvirt's <c>virErrorNumber</c>. Codes that are not listed here are passed through unchanged.
/// </summary>
public enum ErrorCode
{
    /// <summary>No error.</summary>
    Ok = 0,

    /// <summary>An error in the driver, daemon or hypervisor without a code of its own.</summary>
    InternalError = 1,

    /// <summary>Out of memory.</summary>
    NoMemory = 2,

    /// <summary>The driver does not support this function.</summary>
    NoSupport = 3,

    /// <summary>The host is unknown.</summary>
    UnknownHost = 4,

    /// <summary>No driver supports this URI.</summary>
    NoConnect = 5,

    /// <summary>The connection is not valid.</summary>
    InvalidConnection = 6,

    /// <summary>The domain is not valid.</summary>
    InvalidDomain = 7,

    /// <summary>An argument is not valid.</summary>
    InvalidArgument = 8,

    /// <summary>The operation failed.</summary>
    OperationFailed = 9,

    /// <summary>A name is missing.</summary>
    NoName = 21,

    /// <summary>A call failed.</summary>
    CallFailed = 26,

    /// <summary>An XML document is not valid.</summary>
    XmlError = 27,

    /// <summary>A domain with this name already exists.</summary>
    DomainExists = 28,

    /// <summary>The connection is read-only.</summary>
    OperationDenied = 29,

    /// <summary>A configuration file is not valid.</summary>
    ConfigurationSyntax = 33,

    /// <summary>A text is not XML; the message says where.</summary>
    XmlDetail = 35,

    /// <summary>A system call failed; the error number is <see cref="LibvirtException.Int1"/>.</summary>
    SystemError = 38,

    /// <summary>The remote procedure call failed.</summary>
    Rpc = 39,

    /// <summary>TLS failed.</summary>
    Tls = 40,

    /// <summary>The domain does not exist.</summary>
    NoDomain = 42,

    /// <summary>The network does not exist.</summary>
    NoNetwork = 43,

    /// <summary>Authentication failed.</summary>
    AuthenticationFailed = 45,

    /// <summary>The operation is not possible in the current state.</summary>
    OperationInvalid = 55,

    /// <summary>The configuration is not supported.</summary>
    ConfigurationUnsupported = 67,

    /// <summary>A deadline passed.</summary>
    OperationTimeout = 68,

    /// <summary>The argument is valid, but not supported here.</summary>
    ArgumentUnsupported = 74,

    /// <summary>The operation was cancelled.</summary>
    OperationAborted = 78,

    /// <summary>Authentication was cancelled.</summary>
    AuthenticationCancelled = 79,

    /// <summary>The metadata does not exist.</summary>
    NoDomainMetadata = 80,

    /// <summary>A number is too large.</summary>
    Overflow = 82,

    /// <summary>The operation is not supported.</summary>
    OperationUnsupported = 84,

    /// <summary>The guest agent does not answer.</summary>
    AgentUnresponsive = 86,

    /// <summary>Another program holds the resource.</summary>
    ResourceBusy = 87,

    /// <summary>Access is denied.</summary>
    AccessDenied = 88,

    /// <summary>Authentication is not available.</summary>
    AuthenticationUnavailable = 94,

    /// <summary>More than one domain matches.</summary>
    MultipleDomains = 110,
}
