namespace Ballast;

/// <summary>Which part reported an error: libvirt's <c>virErrorDomain</c> ("domain" means a guest here).</summary>
public enum ErrorOrigin
{
    /// <summary>No part in particular.</summary>
    None = 0,

    /// <summary>XML.</summary>
    Xml = 5,

    /// <summary>A handle that is not valid.</summary>
    Handle = 6,

    /// <summary>The RPC layer.</summary>
    Rpc = 7,

    /// <summary>The QEMU driver.</summary>
    Qemu = 10,

    /// <summary>The test driver.</summary>
    Test = 12,

    /// <summary>The remote driver.</summary>
    Remote = 13,

    /// <summary>The public API and the domain's configuration.</summary>
    Domain = 20,

    /// <summary>Capabilities.</summary>
    Capabilities = 44,

    /// <summary>URIs.</summary>
    Uri = 45,

    /// <summary>Authentication.</summary>
    Authentication = 46,

    /// <summary>Access control.</summary>
    Access = 55,

    /// <summary>polkit.</summary>
    Polkit = 60,
}

/// <summary>How bad an error is: libvirt's <c>virErrorLevel</c>.</summary>
public enum ErrorLevel
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>A warning.</summary>
    Warning = 1,

    /// <summary>An error.</summary>
    Error = 2,
}
