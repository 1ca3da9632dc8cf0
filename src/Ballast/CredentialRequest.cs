namespace Ballast;

/// <summary>What a connection asks for when it is opened; see <see cref="ConnectionOptions.AskCredential"/>.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Prompt">The question, for people.</param>
/// <param name="Challenge">Who asks: the host's name.</param>
public sealed record CredentialRequest(CredentialKind Kind, string Prompt, string Challenge);

/// <summary>Kinds of credentials: libvirt's <c>virConnectCredentialType</c>.</summary>
public enum CredentialKind
{
    /// <summary>The name of a user.</summary>
    UserName = 2,

    /// <summary>The user's password; it should not be shown while it is typed.</summary>
    Password = 5,
}
