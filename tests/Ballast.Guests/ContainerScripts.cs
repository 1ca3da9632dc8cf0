namespace Ballast.Guests;

/// <summary>
/// What makes a <see cref="Container"/>: shell scripts whose arguments are an empty directory for a root, the directory of
/// the sockets, and QEMU's command, which they become.
/// </summary>
internal static class ContainerScripts
{
    /// <summary>Makes a root of a new tmpfs and the host's programs, and becomes QEMU in there.</summary>
    public const string OwnRoot =
        """
        root=$1 directory=$2; shift 2
        mount -t tmpfs -o mode=755 root "$root"
        cd "$root"
        mkdir usr etc dev proc tmp run old
        for name in bin sbin lib lib32 lib64 libx32; do
            if [ -L "/$name" ]; then cp -P "/$name" "$name"
            elif [ -d "/$name" ]; then mkdir "$name"; mount --rbind "/$name" "$name"; fi
        done
        for name in usr etc dev; do mount --rbind "/$name" "$name"; done
        mount -o remount,bind,ro usr 2>/dev/null || true
        mount -t proc proc proc 2>/dev/null || mount --rbind /proc proc
        mkdir -p ".$directory"
        # BIND
        pivot_root . old
        umount -l /old
        exec "$@"
        """;

    /// <summary>The same, with the host's directory of sockets bound into it.</summary>
    public static readonly string OwnRootWithBoundDirectory = OwnRoot.Replace(
        "# BIND", "mount --bind \"$directory\" \".$directory\"", StringComparison.Ordinal);

    /// <summary>Copies what QEMU needs: a bind mount in the host's own mounts could outlive the test.</summary>
    public const string CopiedRoot =
        """
        root=$1 directory=$2 program=$(command -v "$3"); shift 3
        for module in /usr/lib/*/qemu /usr/lib/qemu /usr/lib64/qemu; do
            [ ! -e "$module/accel-tcg-x86_64.so" ] || modules="$modules $module/accel-tcg-x86_64.so"
        done
        for file in "$program" $(ldd "$program" | grep -o '/[^ ]*') $modules /usr/share/qemu/qboot.rom /usr/share/*/bios-microvm.bin; do
            [ -e "$file" ] || continue
            mkdir -p "$root${file%/*}"
            cp -L "$file" "$root$file"
        done
        mkdir -p "$root$directory" "$root/tmp"
        exec chroot "$root" "$program" "$@"
        """;

    public const string OwnMounts =
        """
        directory=$2; shift 2
        mount -t tmpfs tmpfs "$directory"
        exec "$@"
        """;

    // A user who becomes root of a new namespace loses the signal that the parent's death would send, so a process that
    // keeps it is the first of process ids around it all.
    public const string AsNobody =
        """
        setpriv --reuid=65534 --regid=65534 --clear-groups unshare --user --map-root-user \
            --mount --pid --net --fork --kill-child sh -e -c "$@" &
        wait $!
        """;
}
