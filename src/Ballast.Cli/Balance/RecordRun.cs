using System.Globalization;
using Ballast.Balance.Advice;
using Ballast.Balance.Recording;
using Ballast.Cli.Memory;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Balance;

/// <summary>Sample after sample of a host, into a file.</summary>
internal sealed class RecordRun(CommandInvocation invocation, RecordPlan plan)
{
    // After a look that failed.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    // How long what is being written may take after Ctrl-C: who has stopped reading a pipe need not go on.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    // It says when to look again, as if somebody were advised.
    private readonly Advisor _advisor = new(budget: new BudgetSetting(ControlGroup: plan.ControlGroup));
    private readonly long _start = invocation.TimeProvider.GetTimestamp();
    private readonly DateTimeOffset _started = invocation.TimeProvider.GetUtcNow();
    private readonly LastingConnection _lasting = new(invocation);
    private Task _writing = Task.CompletedTask, _reopening = Task.CompletedTask;
    private ErrorCode? _failed;
    private string _complaint = "";
    private readonly HashSet<Guid> _guests = [];
    private int _samples, _missed;

    private TimeSpan Elapsed => invocation.TimeProvider.GetElapsedTime(_start);

    public async Task RunAsync()
    {
        // What cannot be seen at all needs no file.
        SeenHost first = await LookAsync(refresh: false);
        if (plan.ControlGroup is not null)
            _advisor.Learn(first, 0);

        // To open a pipe waits until somebody reads.
        using FileStream file = await Task.Run(plan.Create, CancellationToken.None).WaitAsync(invocation.CancellationToken);
        try
        {
            RecordHeader header = new(_started, invocation.Connection.Uri, plan.ControlGroup);
            using HostRecorder recorder = await Task.Run(() => new HostRecorder(file, header, plan.MaxBytes), CancellationToken.None).WaitAsync(invocation.CancellationToken);
            await RecordAsync(recorder, first);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            invocation.ShowProgress("");
            throw new CommandException($"cannot write {plan.Path}: {e.Message}", $"the record ends after {Samples()}");
        }
    }

    private async Task RecordAsync(HostRecorder recorder, SeenHost first)
    {
        RecordEnd end = RecordEnd.Interrupted;
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(invocation.CancellationToken);
        try
        {
            end = await RecordUntilEndAsync(recorder, first, over.Token);
        }
        catch (OperationCanceledException) when (invocation.IsInterrupted)
        {
            // That is how most records end.
        }
        finally
        {
            await over.CancelAsync();
            await _reopening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            invocation.ShowProgress("");
            await EndAsync(recorder, end);
        }

        if (end == RecordEnd.Full)
            invocation.Warn($"the record ends, because the file may not be larger than {HumanSize.Of((ulong)plan.MaxBytes / 1024, SizeUnit.Human)} (--max-size)");
        string missed = _missed == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {_missed} failed");
        invocation.Confirm($"{plan.Path}: {Samples()}{missed} in {HumanSize.Age(Elapsed)}, {HumanSize.Of(((ulong)recorder.Written + 1023) / 1024, SizeUnit.Human)}");
    }

    private async Task EndAsync(HostRecorder recorder, RecordEnd end)
    {
        Task ending = Task.Run(async () =>
        {
            await _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            recorder.End(end, Elapsed.TotalSeconds);
        });
        try
        {
            await ending.WaitAsync(invocation.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAny(ending, Task.Delay(Patience, CancellationToken.None));
            if (!ending.IsCompleted)
                throw new CommandException($"cannot write {plan.Path}: no program reads it", $"the record ends after {Samples()}");
            await ending;
        }
    }

    // To write into a pipe waits until somebody reads.
    private async Task<bool> WriteAsync(Func<bool> write)
    {
        Task<bool> writing = Task.Run(write, CancellationToken.None);
        _writing = writing;
        return await writing.WaitAsync(invocation.CancellationToken);
    }

    private async Task<RecordEnd> RecordUntilEndAsync(HostRecorder recorder, SeenHost first, CancellationToken token)
    {
        SeenHost? seen = first;
        while (true)
        {
            TimeSpan now = Elapsed;
            TimeSpan next = now + (plan.Period ?? Learn(seen, now.TotalSeconds));
            SeenHost? look = seen;
            if (!await WriteAsync(() => look is null ? recorder.TryWriteMissed(_complaint, now.TotalSeconds) : recorder.TryWrite(look, now.TotalSeconds)))
                return RecordEnd.Full;
            Count(seen, recorder.Written);
            if (_samples == plan.Samples)
                return RecordEnd.Complete;
            bool isLast = next > plan.Duration;
            TimeSpan wait = (isLast ? plan.Duration!.Value : next) - Elapsed;
            Task due = Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, invocation.TimeProvider, token);
            if (_reopening.IsCompletedSuccessfully && await _lasting.LossBeforeAsync(due) is { } why)
                Reopen(why, token);
            await due;
            if (isLast)
                return RecordEnd.Complete;
            seen = await TryLookAsync(token);
        }
    }

    private void Count(SeenHost? seen, long written)
    {
        if (seen is null)
        {
            _missed++;
        }
        else
        {
            _samples++;
            _guests.UnionWith(seen.Guests.Select(guest => guest.Domain.Uuid));
        }

        invocation.ShowProgress($"{Samples()} in {HumanSize.Age(Elapsed)}, {HumanSize.Of((ulong)written / 1024, SizeUnit.Human)}; Ctrl-C ends the record");
    }

    private TimeSpan Learn(SeenHost? seen, double time)
    {
        if (seen is null)
            return Pause;
        try
        {
            _advisor.Learn(seen, time);
        }
        catch (BudgetException)
        {
            // What guests may share can be said when it is replayed.
        }

        return TimeSpan.FromSeconds(_advisor.Period);
    }

    // Samples go on being due meanwhile, and each one that is missed is recorded.
    private void Reopen(string why, CancellationToken token) => (_complaint, _reopening) = (why, _lasting.ReopenAsync(why, token));

    private async Task<SeenHost?> TryLookAsync(CancellationToken token)
    {
        if (!_reopening.IsCompleted)
            return null;
        await _reopening;
        try
        {
            SeenHost seen = await LookAsync(refresh: true);
            _lasting.NoteSeen();
            _failed = null;
            return seen;
        }
        catch (LibvirtException e) when (_lasting.IsLost(e))
        {
            Reopen(e.Message, token);
            return null;
        }
        catch (LibvirtException e)
        {
            // What hides a host for a while may pass.
            if (_failed != e.Code)
            {
                invocation.ShowProgress("");
                invocation.Warn($"a sample failed: {e.Message}");
            }

            (_failed, _complaint) = (e.Code, e.Message);
            return null;
        }
    }

    private Task<SeenHost> LookAsync(bool refresh) => HostSampler.LookAsync(invocation.Connection, plan.ControlGroup, refresh, invocation.CancellationToken);

    private string Samples() => string.Create(
        CultureInfo.InvariantCulture, $"{_samples} {(_samples == 1 ? "sample" : "samples")} of {_guests.Count} {(_guests.Count == 1 ? "guest" : "guests")}");
}
