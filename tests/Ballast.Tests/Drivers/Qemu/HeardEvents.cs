using Ballast.Guests;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>The events of a subscription, in virsh's words.</summary>
internal static class HeardEvents
{
    public static async Task<List<string>> TakeAsync(DomainEventSubscription events, int count, CancellationToken token)
    {
        List<string> taken = [];
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(Deadline.Default);
        try
        {
            await foreach (DomainEvent happened in events.WithCancellation(limit.Token))
            {
                taken.Add(Text(happened));
                if (taken.Count == count)
                    break;
            }
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            Assert.Fail($"Only these events came: {string.Join(", ", taken)}");
        }

        return taken;
    }

    public static string Text(DomainEvent happened) => happened switch
    {
        DomainLifecycleEvent lifecycle => $"{lifecycle.Change} {lifecycle.DetailLabel}",
        DomainRebootEvent => "reboot",
        BalloonChangeEvent balloon => $"{balloon.ActualKiB} KiB",
        EventsMissed missed => $"{missed.Count} missed",
        _ => $"{happened}",
    };
}
