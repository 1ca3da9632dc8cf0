namespace Ballast.Cli.Commands;

/// <summary>What virsh has and ballast leaves to it, so that nobody looks for a typing mistake.</summary>
internal static class OutOfScope
{
    // Up to libvirt 11.3. Each name is there once; a keyword is virsh's for a whole group of commands.
    private static readonly (string Keyword, string Subject, string Names)[] Subjects =
    [
        ("", "the definitions of domains",
            "autostart create define desc domrename domxml-from-native domxml-to-native edit metadata set-lifecycle-action start undefine"),
        ("", "saved states and dumps",
            "domjobabort dompmsuspend dump managedsave managedsave-define managedsave-dumpxml managedsave-edit managedsave-remove restore save "
            + "save-image-define save-image-dumpxml save-image-edit"),
        ("", "migration",
            "migrate migrate-compcache migrate-getmaxdowntime migrate-getspeed migrate-postcopy migrate-setmaxdowntime migrate-setspeed"),
        ("", "the devices of domains",
            "attach-device attach-disk attach-interface blkdeviotune blockcommit blockcopy blockjob blockpull blockresize change-media "
            + "detach-device detach-device-alias detach-disk detach-interface dom-fd-associate domblkerror domblkinfo domblkthreshold "
            + "domif-getlink domif-setlink domifstat domiftune domthrottlegroupdel domthrottlegroupinfo domthrottlegrouplist "
            + "domthrottlegroupset update-device update-memory-device"),
        ("", "the tuning of domains",
            "blkiotune emulatorpin guestvcpus iothreadadd iothreaddel iothreadinfo iothreadpin iothreadset numatune perf setvcpu setvcpus"),
        ("", "what runs in a guest",
            "domfsfreeze domfsinfo domfsthaw domfstrim domhostname domifaddr domtime get-user-sshkeys guest-agent-timeout guestinfo "
            + "lxc-enter-namespace qemu-agent-command send-process-signal set-user-password set-user-sshkeys"),
        ("", "virsh's tests of itself", "self-test"),
        ("", "consoles and displays", "console domdisplay domdisplay-reload inject-nmi screenshot send-key ttyconsole vncdisplay"),
        ("", "other programs' monitors", "qemu-attach qemu-monitor-command qemu-monitor-event"),
        ("", "memory encryption", "domlaunchsecinfo domsetlaunchsecstate nodesevinfo"),
        ("", "the host's CPU models, pages and power",
            "allocpages cpu-baseline cpu-compare cpu-models domcapabilities hypervisor-cpu-baseline hypervisor-cpu-compare "
            + "hypervisor-cpu-models node-memory-tune nodesuspend"),
        ("checkpoint", "checkpoints",
            "checkpoint-create checkpoint-create-as checkpoint-delete checkpoint-dumpxml checkpoint-edit checkpoint-info checkpoint-list "
            + "checkpoint-parent"),
        ("interface", "the host's network interfaces",
            "iface-begin iface-bridge iface-commit iface-define iface-destroy iface-dumpxml iface-edit iface-list iface-mac iface-name "
            + "iface-rollback iface-start iface-unbridge iface-undefine"),
        ("filter", "network filters",
            "nwfilter-binding-create nwfilter-binding-delete nwfilter-binding-dumpxml nwfilter-binding-list nwfilter-define "
            + "nwfilter-dumpxml nwfilter-edit nwfilter-list nwfilter-undefine"),
        ("network", "networks",
            "net-autostart net-create net-define net-desc net-destroy net-dhcp-leases net-dumpxml net-edit net-event net-info net-list "
            + "net-metadata net-name net-port-create net-port-delete net-port-dumpxml net-port-list net-start net-undefine net-update net-uuid"),
        ("nodedev", "the host's devices",
            "nodedev-autostart nodedev-create nodedev-define nodedev-destroy nodedev-detach nodedev-dumpxml nodedev-event nodedev-info "
            + "nodedev-list nodedev-reattach nodedev-reset nodedev-start nodedev-undefine nodedev-update"),
        ("secret", "secrets",
            "secret-define secret-dumpxml secret-event secret-get-value secret-list secret-set-value secret-undefine"),
        ("snapshot", "snapshots",
            "snapshot-create snapshot-create-as snapshot-current snapshot-delete snapshot-dumpxml snapshot-edit snapshot-info "
            + "snapshot-list snapshot-parent snapshot-revert"),
        ("backup", "backups", "backup-begin backup-dumpxml"),
        ("pool", "storage pools",
            "find-storage-pool-sources find-storage-pool-sources-as pool-autostart pool-build pool-capabilities pool-create "
            + "pool-create-as pool-define pool-define-as pool-delete pool-destroy pool-dumpxml pool-edit pool-event pool-info pool-list "
            + "pool-name pool-refresh pool-start pool-undefine pool-uuid"),
        ("volume", "storage volumes",
            "vol-clone vol-create vol-create-as vol-create-from vol-delete vol-download vol-dumpxml vol-info vol-key vol-list vol-name "
            + "vol-path vol-pool vol-resize vol-upload vol-wipe"),
    ];

    /// <summary>Why there is no such command, and who has it; null for a name that virsh does not have either.</summary>
    public static string? Explain(string command)
    {
        foreach ((_, string subject, string names) in Subjects)
        {
            if (names.Split(' ').Contains(command))
                return $"command '{command}' is out of scope: ballast does not manage {subject}; use libvirt's virsh";
        }

        return null;
    }

    /// <summary>The same of a command, or of a group of commands.</summary>
    public static string? ExplainTopic(string topic) =>
        Subjects.FirstOrDefault(one => one.Keyword == topic && topic.Length > 0).Subject is { } subject
            ? $"command group '{topic}' is out of scope: ballast does not manage {subject}; use libvirt's virsh"
            : Explain(topic);
}
