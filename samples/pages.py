"""The pages of the three invented sites: a newspaper, a mirror and a forum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

NEWS, MIRROR = "www.qingxi-news.example", "www.hantang-jing.example"
_NAVIGATION = """<div class="nav"><a href="/">首页</a> <a href="/news/">新闻</a> <a href="/life/">生活</a>
<a href="/food/">灶边</a> <a href="/about/">关于我们</a></div>"""


def paragraphs(article: Mapping[str, Any]) -> list[str]:
    """The paragraphs of an article."""
    return [line for line in str(article["text"]).splitlines() if line]


def head_line(article: Mapping[str, Any]) -> str:
    """The line with source and time as text captures have it."""
    return f"文章来源: {article['source']}  时间: {str(article['published_at']).replace('T', ' ')}"


def text_capture(article: Mapping[str, Any]) -> str:
    """An article as a clean text: headline and paragraphs."""
    return "\n".join([article["title"], "", *paragraphs(article)]) + "\n"


def mirror_capture(article: Mapping[str, Any]) -> str:
    """An article as a text capture of the mirror: breadcrumb, source line, image names, footer."""
    body = paragraphs(article)
    lines = [
        "当前位置: 汉唐镜像网>生活>正文",
        article["title"],
        head_line(article),
        body[0],
        "图片1.png",
        *body[1:],
        "1",
    ]
    footer = [
        "主办单位:汉唐镜像网编辑部",
        "技术支持:汉唐网络工作室",
        "欢迎您访问汉唐镜像网",
        "您是第 位来访者",
    ]
    return "\n\n".join([*lines, "\n".join(footer)]) + "\n"


def news_page(
    article: Mapping[str, Any], url: str, related: Sequence[tuple[str, str]], charset: str = "utf-8"
) -> str:
    """A page of the newspaper."""
    body = "\n".join(f"<p>　　{escape(text, quote=False)}</p>" for text in paragraphs(article))
    links = "\n".join(f'<li><a href="{href}">{escape(title)}</a></li>' for href, title in related)
    title, when = escape(article["title"]), str(article["published_at"]).replace("T", " ")
    return f"""<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="{charset}"><title>{title}_清溪新闻网</title>
<meta name="ArticleTitle" content="{title}"><meta name="PubDate" content="{when}">
<meta name="ContentSource" content="{article["source"]}"><link rel="canonical" href="{url}"></head><body>
{_NAVIGATION}
<div class="crumb">您当前的位置：<a href="/">首页</a> &gt; <a href="/life/">生活</a> &gt; 正文</div>
<div class="main"><h1>{title}</h1>
<div class="info"><span>{when}</span>
<span>来源：{article["source"]}</span> <span>作者：{article["author"]}</span></div>
<div class="content">
{body}
</div><p class="editor">责任编辑：金秋</p></div>
<div class="related"><h3>相关阅读</h3><ul>
{links}
</ul></div>
<div class="footer">版权所有 清溪新闻网 | <a href="/contact/">联系我们</a> | <a href="/map/">网站地图</a></div>
</body></html>
"""


def list_page(entries: Sequence[tuple[str, str, str]]) -> str:
    """The index of the newspaper: address, headline and date of each article, over and over."""
    items = "\n".join(
        f'<li><a href="{href}">{escape(title)}</a><span>{date}</span></li>' for href, title, date in entries
    )
    return f"""<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>新闻列表_清溪新闻网</title></head><body>
{_NAVIGATION}
<h2>新闻列表</h2><ul class="list">
{items}
</ul><div class="pages"><a href="?p=1">首页</a> <a href="?p=2">下一页</a> <a href="?p=9">末页</a></div>
<div class="footer">版权所有 清溪新闻网</div></body></html>
"""


def mirror_page(title: str, body: Sequence[str], charset: str) -> str:
    """A page of the mirror around text that is already as the mirror shows it."""
    shown = "\n".join(f"<p>{escape(text, quote=False)}</p>" for text in body)
    return f"""<html><head><meta http-equiv="Content-Type" content="text/html; charset={charset}">
<title>{escape(title)}</title></head><body>
<div id="top"><a href="/">網站首頁</a><a href="/a/">生活</a><a href="/b/">新聞</a><a href="/c/">聯系我們</a></div>
<div id="article"><h1>{escape(title)}</h1>
{shown}
</div>
<div id="foot">版權所有 <a href="/">漢唐鏡像網</a> <a href="/map.html">網站地圖</a></div></body></html>
"""


def forum_page(title: str, body: Sequence[str], time: str) -> str:
    """A thread of the forum with one post."""
    post = "<br>\n".join(escape(text, quote=False) for text in body)
    return f"""<!DOCTYPE html>
<html><head><meta charset="gbk"><title>{escape(title)} - 流云论坛 - Powered by Discuz!</title></head><body>
<div id="hd"><a href="/">流云论坛</a> <a href="/login">登录</a> <a href="/register">立即注册</a></div>
<div id="pt"><a href="/">首页</a> &rsaquo; <a href="/f-1.html">闲谈 </a> &rsaquo; {escape(title)}</div>
<div id="postlist"><h1><span id="thread_subject">{escape(title)}</span></h1>
<div id="post_1"><div class="authi">春山 <em>发表于 {time}</em></div>
<table><tr><td class="t_f" id="postmessage_1">
{post}
</td></tr></table><div class="po"><a href="#">回复</a> <a href="#">使用道具</a> <a href="#">举报</a></div></div></div>
<div id="ft">Powered by <strong>Discuz!</strong> X3.4
<a href="/archiver/">Archiver</a>|<a href="/m/">手机版</a>|<a href="#">小黑屋</a></div>
</body></html>
"""


__all__ = [
    "MIRROR",
    "NEWS",
    "forum_page",
    "head_line",
    "list_page",
    "mirror_capture",
    "mirror_page",
    "news_page",
    "paragraphs",
    "text_capture",
]
