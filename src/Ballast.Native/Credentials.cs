using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>Asks a program for credentials, in the call that opens a connection and on its thread.</summary>
internal static unsafe class Credentials
{
    private const int PasswordWithoutEcho = 7;

    /// <summary>The program's answer; null where it cancelled, or gave none.</summary>
    /// <exception cref="CallException">The program does not answer that.</exception>
    public static string? Ask(NativeAuthentication* authentication, CredentialRequest request)
    {
        bool isName = request.Kind == CredentialKind.UserName;
        int type = Find(authentication, (int)request.Kind, isName ? (int)request.Kind : PasswordWithoutEcho);
        if (type == 0 || authentication->Callback == null)
        {
            throw CallException.NoCredential(isName
                ? "Missing VIR_CRED_AUTHNAME credential type"
                : "Missing VIR_CRED_PASSPHRASE or VIR_CRED_NOECHOPROMPT credential type");
        }

        NativeCredential credential = new()
        {
            Type = type,
            Prompt = NativeText.Copy(request.Prompt),
            Challenge = NativeText.Copy(request.Challenge),
        };
        try
        {
            return authentication->Callback(&credential, 1, authentication->Opaque) >= 0 ? NativeText.Read(credential.Result) : null;
        }
        finally
        {
            NativeMemory.Free((void*)credential.Prompt);
            NativeMemory.Free((void*)credential.Challenge);
            NativeMemory.Free(credential.Result);
        }
    }

    private static int Find(NativeAuthentication* authentication, int type, int other)
    {
        for (uint i = 0; i < authentication->Count; i++)
        {
            if (authentication->Types[i] == type || authentication->Types[i] == other)
                return authentication->Types[i];
        }

        return 0;
    }
}
