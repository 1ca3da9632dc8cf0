namespace Ballast;

/// <summary>What a connection asks for when it is opened; see <see cref="ConnectionOptions.AskCredential"/>.</summary>
/// <param name="Kind">The kind of credential.</param>
/// <param name="Prompt">The question, for humans.</param>
/// <param name="Challenge">The name of the host that asks.</param>
public sealed record CredentialRequest(CredentialKind Kind, string Prompt, string Challenge);

/// <summary>Kinds of credentials: libvirt's <c>virConnectCredentialType</c>.</summary>
public enum CredentialKind
{
    /// <summary>The name of a user.</summary>
    UserName = 2,

    /// <summary>The user's password; it should not be shown while it is typed.</summary>
    Password = 5,
}
