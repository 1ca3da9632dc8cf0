using System.Diagnostics;

namespace Ballast.Telemetry;

/// <summary>An activity, or none where nobody wants it. Whoever listens to its beginning and end may throw anything: that is his alone.</summary>
internal readonly struct Span(Activity? activity) : IDisposable
{
    /// <summary>It failed, with that error.</summary>
    public void Failed(Exception error) =>
        activity?.SetTag("error.type", error is LibvirtException { Code: var code } ? code.ToString() : error.GetType().FullName)
            .SetStatus(ActivityStatusCode.Error, error.Message);

    /// <summary>It was refused, in those words.</summary>
    public void Refused(string words) =>
        activity?.SetTag("error.type", nameof(ErrorCode.OperationInvalid)).SetStatus(ActivityStatusCode.Error, words);

    public void Dispose()
    {
        if (activity is not null)
            Unattended.Run(static ended => ended.Dispose(), activity);
    }
}
