namespace Ballast.Drivers.Test;

/// <summary>The users that a host's file lets in; without any, everybody is.</summary>
internal static class TestUsers
{
    private const string Host = "localhost";

    /// <exception cref="LibvirtException">The caller is none of them, or nobody could be asked.</exception>
    public static async ValueTask CheckAsync(XmlElement root, ConnectionOptions options, CancellationToken cancellationToken)
    {
        XmlElement[] users = [.. root.Children("auth").SelectMany(auth => auth.Children("user"))];
        if (users.Length == 0)
            return;
        if (users.Any(user => user.Value.Length == 0))
            throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Test, "missing username in /node/auth/user field");
        Func<CredentialRequest, CancellationToken, ValueTask<string?>> ask = options.AskCredential
            ?? throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Authentication, "Missing authentication credentials");
        string name = await AnswerAsync(new(CredentialKind.UserName, $"Enter username for {Host}", Host), "Username").ConfigureAwait(false);

        // Who has no password is not asked for one; who is unknown is, so as to learn nothing.
        XmlElement? user = users.FirstOrDefault(user => user.Value == name);
        if (user is not null && user["password"] is null)
            return;
        string password = await AnswerAsync(new(CredentialKind.Password, $"Enter {name}'s password for {Host}", Host), "Password").ConfigureAwait(false);
        if (user?["password"] != password)
        {
            throw LibvirtError.Report(ErrorCode.AuthenticationFailed, ErrorOrigin.Test,
                "authentication failed, see test XML for the correct username/password");
        }

        async ValueTask<string> AnswerAsync(CredentialRequest request, string what) =>
            await ask(request, cancellationToken).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false)
                ?? throw LibvirtError.Report(ErrorCode.AuthenticationFailed, ErrorOrigin.Authentication, $"{what} request failed");
    }
}
